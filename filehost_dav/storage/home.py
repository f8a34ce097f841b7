"""Home: one user's tree as DAV and the page see it, with the policy at every door.

A name is judged before a body byte is read: PUT, MKCOL, and the destination of COPY and MOVE with
every member of a copied or moved tree. The name of a source is never judged, so that a file which
is no longer allowed stays readable and can be renamed to something allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import Policy
from filehost_dav.storage.tree import (
    ANYTHING,
    Body,
    Condition,
    Content,
    Entry,
    Trashed,
    Tree,
    Usage,
    Version,
    Written,
)


class Home:
    """A Tree over a Tree. Raises what the inner tree raises, and Refused where the policy says no."""

    def __init__(self, tree: Tree, policy: Policy) -> None:
        self._tree = tree
        self._policy = policy
        # Nothing stands between a reader and the tree.
        self.stat = tree.stat
        self.list = tree.list
        self.scan = tree.scan
        self.generation = tree.generation
        self.open = tree.open

    def write(
        self,
        path: FilePath,
        body: Body,
        *,
        when: Condition = ANYTHING,
        modified: int | None = None,
        checksums: Mapping[str, str] | None = None,
        expected: int | None = None,
    ) -> Written:
        self._policy.check(path)
        return self._tree.write(
            path, body, when=when, modified=modified, checksums=checksums, expected=expected
        )

    def make_folder(self, path: FilePath, *, when: Condition = ANYTHING) -> Entry:
        self._policy.check(path, is_folder=True)
        return self._tree.make_folder(path, when=when)

    def copy(
        self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING, deep: bool = True
    ) -> Written:
        self._check_tree(self._tree.stat(source), target, deep=deep)
        return self._tree.copy(source, target, when=when, deep=deep)

    def move(self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING) -> Written:
        self._policy.check(target, is_folder=self._tree.stat(source).is_folder)
        return self._tree.move(source, target, when=when)

    def delete(self, path: FilePath, *, when: Condition = ANYTHING) -> Trashed | None:
        return self._tree.delete(path, when=when)

    def set_modified(self, path: FilePath, modified: int) -> Entry:
        return self._tree.set_modified(path, modified)

    def checksums(self, path: FilePath) -> Mapping[str, str]:
        return self._tree.checksums(path)

    def usage(self) -> Usage:
        return self._tree.usage()

    def trash(self) -> Iterator[Trashed]:
        return self._tree.trash()

    def restore(self, trash_id: str, target: FilePath | None = None) -> Written:
        if target is not None:
            self._policy.check(target)
        return self._tree.restore(trash_id, target)

    def open_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Content:
        return self._tree.open_trashed(trash_id, below)

    def list_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Iterator[Entry]:
        return self._tree.list_trashed(trash_id, below)

    def purge(self, trash_id: str) -> None:
        self._tree.purge(trash_id)

    def versions(self, path: FilePath) -> Iterator[Version]:
        return self._tree.versions(path)

    def open_version(self, path: FilePath, version_id: str) -> Content:
        return self._tree.open_version(path, version_id)

    def restore_version(self, path: FilePath, version_id: str) -> Written:
        return self._tree.restore_version(path, version_id)

    def purge_version(self, path: FilePath, version_id: str) -> None:
        self._tree.purge_version(path, version_id)

    def close(self) -> None:
        self._tree.close()

    def _check_tree(self, entry: Entry, target: FilePath, *, deep: bool) -> None:
        self._policy.check(target, is_folder=entry.is_folder)
        if entry.is_folder and deep:
            for member in self._tree.list(entry.path):
                self._check_tree(member, target / member.path.name, deep=True)
