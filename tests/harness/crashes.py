"""Kill a process that changes a local storage, at random moments, and see what is left.

    python -m harness.crashes FOLDER [ROUNDS] [SEED]

The process tells through a pipe what it is about to do and what is done; nothing of that is lost when it
is killed. Afterwards the storage must be as it was before or after the change that was cut off, every
content ever confirmed must still be somewhere (in place, in the trash, among the versions), and all of it
must be whole: each content carries its own name and length.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filehost_dav.errors import FilehostError
from filehost_dav.storage.local import LocalStorage, custody
from filehost_dav.storage.tree import Content, Entry, Metadata, Tree
from harness.trees import Bytes, at, tree_of

LONGEST_LIFE = 0.04  # seconds before the kill
FRESH = 40  # rounds after which a new storage is begun, so that checking stays quick
NAMES = "abcd"
State = dict[str, bytes | None]
Tags = dict[str, str | None]  # path → ETag, None for folders
ANY_TAG = "any"
Operation = dict[str, Any]


def content_of(token: str, size: int) -> bytes:
    """A content that tells whether it is whole."""
    head = f"{token}:{size}:".encode()
    return (head * (size // len(head) + 1))[:size]


def token_of(content: bytes) -> str:
    """The token of a whole content. Raises AssertionError for one that is not."""
    token, size, _ = content.split(b":", 2)
    assert len(content) == int(size), f"{len(content)} bytes instead of {int(size)}"
    assert content == content_of(token.decode(), int(size)), "A content is mixed of two"
    return token.decode()


def change_until_killed(tree: Tree, dice: random.Random, pipe: int) -> None:
    """Do random operations, telling each before and after."""
    serial = 0
    while True:
        serial += 1
        operation = _choose(tree, dice, f"{os.getpid()}.{serial}")
        os.write(pipe, json.dumps(operation).encode() + b"\n")
        outcome = "done"
        try:
            perform(tree, operation)
        except FilehostError:
            outcome = "refused"
        os.write(pipe, json.dumps({"outcome": outcome, "tags": tags_of(tree)}).encode() + b"\n")


def perform(tree: Tree, operation: Operation) -> None:
    path, target = at(operation["path"]), at(operation.get("target", "/"))
    match operation["kind"]:
        case "put":
            body = Bytes(content_of(operation["token"], operation["size"]), operation["length"])
            tree.write(path, body, metadata=Metadata(modified=operation["modified"]))
        case "folder":
            tree.make_folder(path)
        case "move":
            tree.move(path, target)
        case "copy":
            tree.copy(path, target)
        case "delete":
            tree.delete(path)
        case "restore":
            trashed = next(iter(tree.trash()), None)
            if trashed is not None:
                tree.restore(trashed.id, path)
        case "version":
            for version in list(tree.versions(path))[-1:]:
                tree.restore_version(path, version.id)


def tags_of(tree: Tree, path: str = "/") -> Tags:
    """Everything below a folder, by its tag."""
    found: Tags = {}
    for entry in tree.list(at(path)):
        found[str(entry.path)] = None if entry.is_folder else entry.etag
        if entry.is_folder:
            found.update(tags_of(tree, str(entry.path)))
    return found


def outcomes(before: Tags, operation: Operation) -> Iterator[Tags]:
    """What may be there after `operation` was cut off, or done."""
    yield before
    path, target = operation["path"], operation["target"]
    below = {name[len(path) :]: tag for name, tag in before.items() if _is_within(name, path)}
    without_target = {name: tag for name, tag in before.items() if not _is_within(name, target)}
    match operation["kind"]:
        case "put" | "version":
            yield {**before, path: ANY_TAG}
        case "folder":
            yield {**before, path: None}
        case "delete":
            yield {name: tag for name, tag in before.items() if not _is_within(name, path)}
        case "move":
            yield without_target
            moved = {name: tag for name, tag in without_target.items() if not _is_within(name, path)}
            yield {**moved, **{target + name: tag for name, tag in below.items()}}
        case "copy":
            yield without_target
            copied = {target + name: tag and ANY_TAG for name, tag in below.items()}
            yield {**without_target, **copied}


def _is_within(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}/")


def _matches(found: Tags, expected: Tags) -> bool:
    return found.keys() == expected.keys() and all(
        tag == expected[name] or (expected[name] == ANY_TAG and tag is not None) for name, tag in found.items()
    )


def _choose(tree: Tree, dice: random.Random, token: str) -> Operation:
    def place() -> str:
        folders = ["", *(str(entry.path) for entry in tree.list(at("/")) if entry.is_folder)]
        return f"{dice.choice(folders)}/{dice.choice(NAMES)}"

    kind = dice.choices(
        ("put", "folder", "move", "copy", "delete", "restore", "version"), (8, 2, 4, 2, 3, 1, 1)
    )[0]
    size = dice.choice((30, 1000, 70_000, 300_000))
    return {
        "kind": kind,
        "path": place(),
        "target": place(),
        "token": token,
        "size": size,
        "length": dice.choice((size, None)),
        "modified": dice.choice((None, 10**18)),
    }


class Round:
    """One life of the process, and the judgement over what it left."""

    def __init__(self, root: Path, confirmed: set[str]) -> None:
        self._storage = LocalStorage(root, durability="none")
        self._tree = self._storage.tree("alice")
        self._confirmed = confirmed

    def run(self, dice: random.Random) -> int:
        """How many operations were confirmed before the kill. Raises AssertionError."""
        before = tags_of(self._tree)
        seed, life = dice.random(), dice.random() * LONGEST_LIFE
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reading)
            change_until_killed(self._tree, random.Random(seed), writing)
        os.close(writing)
        time.sleep(life)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        with os.fdopen(reading, "rb") as pipe:
            told = [json.loads(line) for line in pipe]
        self._judge(before, told)
        return sum(one["outcome"] == "done" for one in told[1::2])

    def _judge(self, before: Tags, told: list[Any]) -> None:
        after = tree_of(self._tree)
        for content in after.values():
            if content is not None:
                token_of(content)
        for operation, outcome in zip(told[::2], told[1::2], strict=False):
            if outcome["outcome"] == "done" and operation["kind"] == "put":
                self._confirmed.add(operation["token"])
            before = outcome["tags"]
        self._check_tags(before, told[-1] if len(told) % 2 else None)
        self._check_nothing_is_lost(after)
        self._storage.sweep()
        list(custody.repair(self._storage))
        left = [finding for finding in custody.inspect(self._storage) if finding.kind != "orphan"]
        assert not left, f"After the repair: {left}"
        assert tree_of(self._tree) == after, "Sweeping or the repair changed the files"
        self._check_nothing_is_lost(after)

    def _check_tags(self, before: Tags, cut_off: Operation | None) -> None:
        found = tags_of(self._tree)
        if cut_off is None:
            assert found == before, f"{found} instead of {before}"
        elif cut_off["kind"] == "restore":
            rest = {name: tag for name, tag in found.items() if not _is_within(name, cut_off["path"])}
            assert rest.items() <= before.items(), f"{found} after {cut_off} on {before}"
        else:
            possible = outcomes(before, cut_off)
            assert any(_matches(found, one) for one in possible), f"{found} after {cut_off} on {before}"

    def _check_nothing_is_lost(self, files: State) -> None:
        lost = self._confirmed - set(self._tokens(files))
        assert not lost, f"Lost: {lost}"

    def _tokens(self, files: State) -> Iterator[str]:
        yield from (token_of(content) for content in files.values() if content is not None)
        # Those of files in the trash too, which come back with their file.
        for version in self._tree.version_store.all():
            yield token_of(_read(self._tree.version_store.open(version, at("/"))))
        for trashed in self._tree.trash():
            yield from self._trashed_tokens(trashed.id, trashed.entry, ())

    def _trashed_tokens(self, trash_id: str, entry: Entry, below: tuple[str, ...]) -> Iterator[str]:
        if not entry.is_folder:
            yield token_of(_read(self._tree.open_trashed(trash_id, below)))
            return
        for member in self._tree.list_trashed(trash_id, below):
            yield from self._trashed_tokens(trash_id, member, (*below, member.path.name))


def _read(opened: Content) -> bytes:
    with opened as content:
        return b"".join(content.blocks(0, content.entry.size))


def run_rounds(folder: Path, rounds: int, seed: int) -> int:
    """How many operations were confirmed in all. Raises AssertionError naming the round."""
    dice = random.Random(seed)
    done = 0
    confirmed: set[str] = set()
    for number in range(rounds):
        if number % FRESH == 0:
            confirmed = set()
        try:
            done += Round(folder / str(number // FRESH), confirmed).run(dice)
        except AssertionError as error:
            raise AssertionError(f"Round {number} of seed {seed}: {error}") from error
    return done


if __name__ == "__main__":
    _rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    _seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"{_rounds} kills, seed {_seed}", flush=True)
    print(f"{run_rounds(Path(sys.argv[1]), _rounds, _seed)} changes confirmed, nothing lost")
