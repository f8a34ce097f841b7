"""What uploads may hold in memory, all together."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from harness.server import REPOSITORY
from testbed.seaweedfs import S3

from filehost_dav.errors import Unavailable
from filehost_dav.storage.object.room import Pace, Room

MIB = 1 << 20
SIZE = os.environ.get("FILEHOST_TEST_UPLOAD", "100")  # MiB of each of eight


class Counting:
    """A sink that counts how often somebody waits for it."""

    def __init__(self) -> None:
        self.settled = 0

    def write(self, data: memoryview, /) -> object:
        return len(data)

    def settle(self) -> object:
        self.settled += 1
        return None


def test_who_finds_no_room_waits_until_another_is_done() -> None:
    room, entered = Room(10), threading.Event()
    with room.share(8):

        def wait() -> None:
            with room.share(8):
                entered.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.1)
    waiting.join(10)
    assert entered.is_set()


def test_who_waits_too_long_is_told_to_come_later() -> None:
    room = Room(10, patience=0)
    with room.share(8), pytest.raises(Unavailable) as refused, room.share(8):
        pass
    assert refused.value.retry_after
    with room.share(100):  # one that needs more than there is gets all of it
        pass


def test_all_room_comes_back_whatever_happened() -> None:
    room = Room(10, patience=0)

    def fail() -> None:
        with room.share(4) as share:
            assert share.has_more(6)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with room.share(10):
        pass


def test_parts_follow_each_other_at_once_only_where_there_is_room() -> None:
    room = Room(50, patience=0)
    with room.share(10) as one, room.share(10) as other:
        first, second = Counting(), Counting()
        paces = Pace(one, first, 10), Pace(other, second, 10)
        for _ in range(10):
            for pace in paces:
                pace.wrote(10)
        assert (first.settled, second.settled) == (0, 10)


@pytest.mark.s3
@pytest.mark.slow
def test_eight_large_uploads_stay_within_their_memory(s3: S3, tmp_path: Path) -> None:
    """Each would take three parts of 8 MiB, twice what they have together."""
    program = """
import sys, threading
from pathlib import Path
from testbed.bodies import Endless
from testbed.worker import _peak
from filehost_dav.paths import FilePath
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs
from filehost_dav.storage.object.storage import ObjectStorage
file, endpoint, bucket, size = sys.argv[1:]
database = SqliteDatabase(Path(file))
migrate(database)
place = Bucket(bucket, endpoint)
tree = ObjectStorage(database, ObstoreBlobs(place, Boto3Blobs(place)), room=32 << 20).tree("alice")
tree.write(FilePath.parse("/small.bin"), Endless(300_000))
before, size, done = _peak(), int(size) << 20, []
def upload(number):
    done.append(tree.write(FilePath.parse(f"/{number}.bin"), Endless(size, seed=number)).entry.size)
hands = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
for hand in hands: hand.start()
for hand in hands: hand.join()
print((_peak() - before) >> 20, done == [size] * 8)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "state.sqlite3"), s3.endpoint, s3.bucket(), SIZE]
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    environment = {**os.environ, **s3.environment, "PYTHONPATH": path}
    began = time.monotonic()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    grown, well = ended.stdout.split()
    print(f"{grown} MiB in {time.monotonic() - began:.0f} s")
    assert well == "True"
    assert int(grown) < 100  # of which the allocator keeps some
