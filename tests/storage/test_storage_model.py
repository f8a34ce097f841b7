"""Every Tree against a model of it in memory: whatever is done in whatever order, they agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.trees import Bytes, at, read, tree_of
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from filehost_dav.errors import FilehostError, QuotaExceeded
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.local.counting import count
from filehost_dav.storage.local.tree import LocalTree
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.tree import Storage, Tree

QUOTA = 5_000
Model = dict[str, bytes | None]

names = st.sampled_from(["a", "b", "ä.txt", "c d.txt"])
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
contents = st.sampled_from([0, 1, 10, 700, 2_000]).flatmap(
    lambda size: st.binary(min_size=1, max_size=1).map(lambda piece: piece * size)
)


def parent_of(path: str) -> str:
    return path.rpartition("/")[0]


def below(model: Model, path: str) -> Model:
    """`path` and all below it, by what follows it."""
    return {
        name[len(path) :]: content
        for name, content in model.items()
        if name == path or name.startswith(f"{path}/")
    }


class Comparison(RuleBasedStateMachine):
    """Does the same to a tree and to a dict, and compares."""

    make: Callable[[Path], Storage]

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._storage = type(self).make(Path(self._folder.name))
        self._tree: Tree = self._storage.tree("alice")
        self._files: Model = {}
        self._versions: dict[str, list[bytes]] = {}
        self._trash: dict[str, Model] = {}
        self._histories: dict[str, dict[str, list[bytes]]] = {}

    def teardown(self) -> None:
        self._storage.close()
        self._folder.cleanup()

    @rule(path=paths, content=contents, announced=st.booleans())
    def write(self, path: str, content: bytes, announced: bool) -> None:
        possible = self._has_folder(path) and not self._is_folder(path)
        old = self._files.get(path) or b""
        fits = self._live() - len(old) + len(content) <= QUOTA
        body = Bytes(content, -1 if announced else None)
        if self._attempt(lambda: self._tree.write(at(path), body), possible, fits):
            if old:
                self._versions.setdefault(path, []).append(old)
            self._files[path] = content

    @rule(path=paths)
    def make_folder(self, path: str) -> None:
        possible = self._has_folder(path) and path not in self._files
        if self._attempt(lambda: self._tree.make_folder(at(path)), possible):
            self._files[path] = None

    @rule(path=paths)
    def delete(self, path: str) -> None:
        kept: list[Any] = []
        if self._attempt(lambda: kept.append(self._tree.delete(at(path))), path in self._files):
            gone = below(self._files, path)
            if kept[0] is None:
                assert gone in ({"": b""}, {"": None})
            else:
                self._trash[kept[0].id] = gone
                self._histories[kept[0].id] = self._take_versions(path)
            self._remove(path)

    @rule(source=paths, goal=paths)
    def move(self, source: str, goal: str) -> None:
        possible = self._may_transfer(source, goal)
        file_over_file = self._is_file(source) and self._is_file(goal)
        if self._attempt(lambda: self._tree.move(at(source), at(goal)), possible):
            moved, history = below(self._files, source), self._take_versions(source)
            self._remove(source)
            if file_over_file:
                history[""] = [*history.get("", []), *self._replaced_versions(goal)]
            else:
                self._adopt(goal)
            self._replace(goal, moved)
            self._versions.update({goal + name: kept for name, kept in history.items()})

    @rule(source=paths, goal=paths)
    def copy(self, source: str, goal: str) -> None:
        possible = self._may_transfer(source, goal)
        copied = below(self._files, source)
        size = sum(len(content or b"") for content in copied.values())
        file_over_file = self._is_file(source) and self._is_file(goal)
        credit = len(self._files.get(goal) or b"") if file_over_file else 0
        fits = self._live() - credit + size <= QUOTA
        if self._attempt(lambda: self._tree.copy(at(source), at(goal)), possible, fits):
            history = self._replaced_versions(goal) if file_over_file else []
            if not file_over_file:
                self._adopt(goal)
            self._replace(goal, copied)
            self._versions[goal] = history

    @precondition(lambda self: self._trash)
    @rule(choice=st.integers(0, 1000), goal=paths)
    def restore(self, choice: int, goal: str) -> None:
        trash_id = sorted(self._trash)[choice % len(self._trash)]
        if trash_id not in {trashed.id for trashed in self._tree.trash()}:
            return  # given up for the quota
        size = sum(len(content or b"") for content in self._trash[trash_id].values())
        possible = self._has_folder(goal) and goal not in self._files
        fits = self._live() + size <= QUOTA
        if self._attempt(lambda: self._tree.restore(trash_id, at(goal)), possible, fits):
            self._replace(goal, self._trash.pop(trash_id))
            for name, kept in self._histories.pop(trash_id).items():
                self._versions[goal + name] = kept

    @rule(path=paths)
    def restore_version(self, path: str) -> None:
        versions = list(self._tree.versions(at(path))) if self._is_file(path) else []
        if not versions:
            return
        oldest = versions[-1]
        with self._tree.open_version(at(path), oldest.id) as opened:
            content = b"".join(opened.blocks(0, opened.entry.size))
        now = self._files[path] or b""
        fits = self._live() - len(now) + len(content) <= QUOTA
        if self._attempt(lambda: self._tree.restore_version(at(path), oldest.id), True, fits):
            self._files[path] = content
            if now:
                self._versions[path].append(now)

    @invariant()
    def files_are_the_same(self) -> None:
        assert tree_of(self._tree) == self._files
        for path, content in self._files.items():
            entry = self._tree.stat(at(path))
            assert entry.is_folder == (content is None)
            if content is not None:
                assert read(self._tree, path) == content

    @invariant()
    def usage_is_exact_and_within_the_quota(self) -> None:
        used, limit, available = self._tree.usage()
        assert (used, limit, available) == (self._live(), QUOTA, QUOTA - self._live())
        if isinstance(self._tree, LocalTree):
            account, counted = self._tree.disk.ledger.glance(), count(self._tree.disk)
            assert (account.used, account.kept) == (sum(counted), counted.kept)
            assert account.used <= QUOTA

    @invariant()
    def kept_contents_are_what_was_there(self) -> None:
        """Some may have been given up for the quota, the oldest first; none is of another file."""
        for path, content in self._files.items():
            if content is None:
                continue
            found = []
            for version in self._tree.versions(at(path)):
                with self._tree.open_version(at(path), version.id) as opened:
                    found.append(b"".join(opened.blocks(0, opened.entry.size)))
            assert set(found) <= set(self._versions.get(path, []))
        for trashed in self._tree.trash():
            expected = sum(len(content or b"") for content in self._trash[trashed.id].values())
            assert trashed.size == expected

    def _attempt(self, change: Callable[[], object], possible: bool, fits: bool = True) -> bool:
        """Do it; whether it succeeded, which must be just when the model says so."""
        try:
            change()
        except QuotaExceeded:
            assert not fits
            return False
        except FilehostError:
            assert not possible
            return False
        assert possible
        assert fits
        return True

    def _adopt(self, path: str) -> None:
        """What was replaced at `path` is in the trash, if it was worth keeping and there was room."""
        gone, history = below(self._files, path), self._take_versions(path)
        for trashed in self._tree.trash():
            if trashed.id not in self._trash:
                self._trash[trashed.id] = gone
                self._histories[trashed.id] = history

    def _replaced_versions(self, path: str) -> list[bytes]:
        replaced = self._files[path]
        return [*self._versions.pop(path, []), *([replaced] if replaced else [])]

    def _is_file(self, path: str) -> bool:
        return self._files.get(path) is not None

    def _has_folder(self, path: str) -> bool:
        folder = parent_of(path)
        return not folder or self._is_folder(folder)

    def _is_folder(self, path: str) -> bool:
        return path in self._files and self._files[path] is None

    def _may_transfer(self, source: str, target: str) -> bool:
        apart = not f"{target}/".startswith(f"{source}/") and not f"{source}/".startswith(f"{target}/")
        return source in self._files and self._has_folder(target) and apart

    def _live(self) -> int:
        return sum(len(content or b"") for content in self._files.values())

    def _take_versions(self, path: str) -> dict[str, list[bytes]]:
        taken = {
            name[len(path) :]: kept
            for name, kept in self._versions.items()
            if name == path or name.startswith(f"{path}/")
        }
        for name in taken:
            del self._versions[path + name]
        return taken

    def _remove(self, path: str) -> None:
        for name in list(below(self._files, path)):
            del self._files[path + name]
        self._take_versions(path)

    def _replace(self, path: str, content: Model) -> None:
        self._remove(path)
        self._files.update({path + name: inner for name, inner in content.items()})


def make_local(folder: Path) -> Storage:
    return LocalStorage(folder, durability="none", quota=lambda _user: QUOTA, watch=False)


def make_object(folder: Path) -> Storage:
    database = SqliteDatabase(folder / "state.sqlite3")
    migrate(database)
    return ObjectStorage(database, FolderBlobs(folder / "bucket"), quota=lambda _user: QUOTA)


def compare(make: Callable[[Path], Storage], examples: int) -> None:
    machine = type("Compared", (Comparison,), {"make": staticmethod(make)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_tree_does_what_the_model_does() -> None:
    compare(make_local, 8)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("make", [make_local, make_object], ids=["local", "object"])
def test_a_tree_does_what_the_model_does_for_long(make: Callable[[Path], Storage]) -> None:
    compare(make, 150)
