"""What it costs that nothing is lost: local storage with and without trash and versions, in one process.

    python -m benchmarks.keeping [--folder FOLDER] [--durability none]

Both storages do the same work in turns, so that a busy machine disturbs both alike; the medians count.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from filehost_dav.paths import FilePath
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.local.rules import Retention
from filehost_dav.storage.local.tree import LocalTree

ROUNDS = 15
WRITES = 100  # of one round
KIB = bytes(1024)
FOLDERS = (100, 1_000, 10_000)  # files in a folder that is deleted


class Bytes:
    """A body in memory."""

    def __init__(self, content: bytes) -> None:
        self.length: int | None = len(content)
        self._rest = memoryview(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.keeping", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to work: the disk that is measured")
    parser.add_argument("--durability", default="none", choices=("none", "data", "full"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        trees = [
            _tree(Path(folder) / "kept", options.durability, Retention()),
            _tree(Path(folder) / "gone", options.durability, None),
        ]
        print(f"{'':28}{'kept':>12}{'not kept':>12}{'ratio':>8}")
        for name, work in (("PUT 1 KiB, new", _create), ("PUT 1 KiB, overwriting", _overwrite)):
            _compare(name, trees, work)
        for size in FOLDERS:
            _compare_deleting(size, trees)


def _tree(root: Path, durability: str, retention: Retention | None) -> LocalTree:
    return LocalStorage(root, durability=durability, retention=retention, watch=False).tree("user")


def _compare(name: str, trees: list[LocalTree], work: Callable[[LocalTree, int], None]) -> None:
    times: list[list[float]] = [[], []]
    for tree in trees:
        work(tree, ROUNDS)  # not measured: makes the folders that versions lie in, once for ever
    for turn in range(ROUNDS):
        for index in (0, 1) if turn % 2 else (1, 0):
            started = time.perf_counter()
            work(trees[index], turn)
            times[index].append((time.perf_counter() - started) / WRITES)
    _report(name, [statistics.median(one) for one in times])


def _create(tree: LocalTree, turn: int) -> None:
    for number in range(WRITES):
        tree.write(FilePath((f"{turn}-{number}.txt",)), Bytes(KIB))


def _overwrite(tree: LocalTree, turn: int) -> None:
    del turn
    for number in range(WRITES):
        tree.write(FilePath((f"0-{number}.txt",)), Bytes(KIB))


def _compare_deleting(size: int, trees: list[LocalTree]) -> None:
    times: list[list[float]] = [[], []]
    for _ in range(3):
        for tree, found in zip(trees, times, strict=True):
            folder = FilePath(("folder",))
            tree.make_folder(folder)
            for number in range(size):
                tree.write(folder / f"{number}.txt", Bytes(b"x"))
            started = time.perf_counter()
            tree.delete(folder)
            found.append(time.perf_counter() - started)
    _report(f"DELETE a folder of {size}", [statistics.median(one) for one in times])


def _report(name: str, medians: list[float]) -> None:
    kept, gone = (f"{median * 1e6:9.0f} us" for median in medians)
    print(f"{name:28}{kept:>12}{gone:>12}{medians[0] / medians[1]:8.2f}", flush=True)


if __name__ == "__main__":
    main()
