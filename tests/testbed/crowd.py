"""Eight uploads at the same time, in a process of its own whose memory is theirs.

    python -m testbed.crowd FOLDER ENDPOINT BUCKET ROOM SIZE

tells by how many MiB they made it grow. ROOM is what they may have together, SIZE what each sends, in MiB.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from filehost_dav.paths import FilePath
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs
from filehost_dav.storage.object.storage import ObjectStorage
from testbed.bodies import Endless
from testbed.worker import peak

MIB = 1 << 20
MANY = 8


def main() -> None:
    folder, endpoint, bucket, room, size = sys.argv[1:]
    Path(folder).mkdir()
    database = SqliteDatabase(Path(folder) / "state.sqlite3")
    migrate(database)
    blobs = ObstoreBlobs(Bucket(bucket, endpoint), Boto3Blobs(Bucket(bucket, endpoint)))
    tree = ObjectStorage(database, blobs, room=int(room) * MIB).tree("alice")
    tree.write(FilePath.parse("/small.bin"), Endless(300_000))
    before = peak()
    hands = [threading.Thread(target=tree.write, args=large(number, int(size) * MIB)) for number in range(MANY)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    if len(list(tree.list(FilePath.parse("/")))) != MANY + 1:
        sys.exit("some uploads failed")
    print((peak() - before) // MIB)


def large(number: int, size: int) -> tuple[FilePath, Endless]:
    return FilePath.parse(f"/{number}.bin"), Endless(size, seed=number)


if __name__ == "__main__":
    main()
