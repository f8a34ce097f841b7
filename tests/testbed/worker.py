"""A node without HTTP, in a process of its own that a test may kill.

    python -m testbed.worker KIND URL ENDPOINT BUCKET

`changes` reads seeds from its input. For each it forks a node that changes alice's tree at random until it is
killed, telling its number, each change before it begins and after it is done; then the end is told. `large`
writes and reads one GiB and tells how much memory that took.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filehost_dav.errors import FilehostError
from filehost_dav.paths import FilePath
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs
from filehost_dav.storage.object.storage import ObjectStorage
from filehost_dav.storage.object.tree import ObjectTree
from testbed.bodies import Endless

GIB = 1 << 30
NAMES = [f"/{name}" for name in "abcdef"] + [f"/folder/{name}" for name in "abc"] + ["/folder", "/other"]
SIZES = (10, 5000, 300_000, 9 << 20)
Change = tuple[str, ...]


def draw(chance: random.Random) -> Change:
    """A change: its kind, then paths, or a path with seed and size."""
    kind = chance.choice(["put", "put", "put", "move", "copy", "delete", "mkcol"])
    if kind == "put":
        size = chance.choices(SIZES, (4, 4, 2, 1))[0]
        return (kind, chance.choice(NAMES[:-2]), str(chance.randrange(10**6)), str(size))
    return (kind, chance.choice(NAMES), chance.choice(NAMES))


def make(tree: ObjectTree, change: Change) -> None:
    """Raises FilehostError when the tree does not allow it."""
    kind, path, *rest = change
    place = FilePath.parse(path)
    if kind == "put":
        seed, size = map(int, rest)
        tree.write(place, Endless(size, seed=seed, announced=bool(seed % 2)))
    elif kind == "mkcol":
        tree.make_folder(place)
    elif kind == "delete":
        tree.delete(place)
    else:
        getattr(tree, kind)(place, FilePath.parse(rest[0]))


def say(*words: Any) -> None:
    print(json.dumps(words), flush=True)


def change_for_ever(tree: ObjectTree, seed: int) -> None:
    chance = random.Random(seed)
    say("ready", os.getpid())
    while True:
        change = draw(chance)
        say("begin", change)
        try:
            make(tree, change)
        except FilehostError as error:
            say("refused", type(error).__name__)
        else:
            say("done")


def be_killed_again_and_again(open_tree: Callable[[], ObjectTree]) -> None:
    """A fork costs a hundredth of a new process; each opens its connections for itself."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            change_for_ever(open_tree(), int(line))
        os.waitpid(child, 0)
        print()  # the last line may be cut short
        say("dead")


def move_a_gib(tree: ObjectTree) -> None:
    place = FilePath.parse("/large.bin")
    tree.write(FilePath.parse("/small.bin"), Endless(1000))
    say("before", peak())
    tree.write(place, Endless(GIB))
    say("written", peak())
    with tree.open(place) as content:
        read = sum(len(block) for block in content.blocks(0, GIB))
    say("read", peak(), read)


def peak() -> int:
    """The most memory this process has had, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def main() -> None:
    kind, url, endpoint, bucket = sys.argv[1:]
    place = Bucket(bucket, endpoint)

    def open_tree() -> ObjectTree:
        return ObjectStorage(PostgresDatabase(url), ObstoreBlobs(place, Boto3Blobs(place))).tree("alice")

    be_killed_again_and_again(open_tree) if kind == "changes" else move_a_gib(open_tree())


if __name__ == "__main__":
    main()
