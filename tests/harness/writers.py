"""Work that tests give to processes of their own, on one local storage that all of them open."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filehost_dav.errors import ConditionFailed, FilehostError, NotFound, QuotaExceeded
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.tree import ABSENT
from harness.trees import Bytes, at, put

_SPAWN = multiprocessing.get_context("spawn")


def in_processes(count: int, work: Callable[..., Any], root: Path, *arguments: Any) -> list[Any]:
    """Run `work(barrier, number, root, *arguments)` in `count` processes at once; what each returned."""
    barrier = _SPAWN.Barrier(count)
    results = _SPAWN.SimpleQueue()
    processes = [
        _SPAWN.Process(target=_run, args=(results, work, barrier, number, root, *arguments))
        for number in range(count)
    ]
    for process in processes:
        process.start()
    found = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    return [found[number] for number in range(count)]


def race_for_names(barrier: Any, number: int, root: Path, rounds: int) -> list[int]:
    """Create the same names as the others, each only if it is absent; the rounds won."""
    tree = LocalStorage(root, durability="none").tree("alice")
    won = []
    for turn in range(rounds):
        barrier.wait()
        try:
            tree.write(at(f"/{turn}.txt"), Bytes(b"%d" % number), when=ABSENT)
            won.append(turn)
        except ConditionFailed:
            continue
    return won


def overwrite_one(barrier: Any, number: int, root: Path, rounds: int) -> list[str]:
    """Overwrite one file as often as asked, at once with the others; the tags of all that was written."""
    tree = LocalStorage(root, durability="none").tree("alice")
    barrier.wait()
    return [
        tree.write(at("/one.txt"), Bytes(bytes([number]) * (turn + 1) * 50)).entry.etag
        for turn in range(rounds)
    ]


def fill_up(barrier: Any, number: int, root: Path, quota: int) -> int:
    """Write files of 10,000 bytes until the quota says no; how many."""
    tree = LocalStorage(root, durability="none", quota=lambda _user: quota).tree("alice")
    barrier.wait()
    count = 0
    while True:
        try:
            put(tree, f"/{number}-{count}.txt", bytes(10_000))
        except QuotaExceeded:
            return count
        count += 1


def shuffle(barrier: Any, number: int, root: Path, rounds: int) -> int:
    """Move, copy, delete and write in the same few places as the others; how many of them succeeded."""
    tree = LocalStorage(root, durability="none").tree("alice")
    barrier.wait()
    done = 0
    for turn in range(rounds):
        here, there = (f"/f{(turn + number) % 3}", f"/f{(turn * 2 + number + 1) % 3}")
        attempts: list[Callable[[], object]] = [
            lambda here=here: tree.make_folder(at(here)),
            lambda here=here: put(tree, f"{here}/x.txt", b"x" * 100),
            lambda here=here, there=there: tree.move(at(here), at(there)),
            lambda here=here, there=there: tree.copy(at(f"{here}/x.txt"), at(f"{there}/y.txt")),
            lambda here=here: tree.delete(at(f"{here}/x.txt")),
            lambda there=there: tree.delete(at(there)),
            lambda: [tree.restore(trashed.id) for trashed in list(tree.trash())[:1]],
        ]
        for attempt in attempts:
            try:
                attempt()
                done += 1
            except FilehostError:
                continue
    return done


def read_whole(barrier: Any, _number: int, root: Path, rounds: int) -> int:
    """Read one file while others overwrite it; how often what was read was not one whole content."""
    tree = LocalStorage(root, durability="none").tree("alice")
    barrier.wait()
    broken = 0
    for _ in range(rounds):
        try:
            with tree.open(at("/one.txt")) as content:
                data = b"".join(content.blocks(0, content.entry.size))
        except NotFound:
            continue
        broken += len(set(data)) > 1 or len(data) != content.entry.size
    return broken


def read_or_overwrite(barrier: Any, number: int, root: Path, rounds: int) -> Any:
    """The first process reads, the others overwrite."""
    return (read_whole if number == 0 else overwrite_one)(barrier, number, root, rounds)


def _run(results: Any, work: Callable[..., Any], barrier: Any, number: int, *arguments: Any) -> None:
    results.put((number, work(barrier, number, *arguments)))
