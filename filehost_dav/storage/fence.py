"""Fence: a home of which only one folder is in reach, or in which nothing may be changed, or both.

It stands around the home of a request that signed in with a bounded app password. What is outside is
refused, not hidden, except that the folders on the way are there: clients walk from the root. Trash
and versions lie outside every folder.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import NoReturn

from filehost_dav.errors import Refused
from filehost_dav.paths import FilePath
from filehost_dav.storage.home import Home
from filehost_dav.storage.tree import (
    ANYTHING,
    NO_METADATA,
    Body,
    Condition,
    Content,
    Entry,
    Metadata,
    Scan,
    Trashed,
    Usage,
    Version,
    Written,
)


class Fence:
    """A Tree over a Home. Raises what the home raises, and Refused."""

    def __init__(self, home: Home, folder: FilePath, *, read_only: bool) -> None:
        """`folder` is the root where all of the home is in reach."""
        self._home = home
        self._folder = folder
        self._read_only = read_only

    def stat(self, path: FilePath) -> Entry:
        return self._home.stat(path if self._leads_there(path) else self._within(path))

    def list(self, folder: FilePath) -> Iterator[Entry]:
        if self._leads_there(folder):
            return iter([self._home.stat(folder / self._folder.parts[len(folder.parts)])])
        return self._home.list(self._within(folder))

    def scan(self, folder: FilePath) -> Scan | None:
        return None if self._leads_there(folder) else self._home.scan(self._within(folder))

    def generation(self, folder: FilePath) -> Hashable | None:
        return self._home.generation(folder) if folder.is_within(self._folder) else None

    def open(self, path: FilePath) -> Content:
        return self._home.open(self._within(path))

    def checksums(self, path: FilePath) -> Mapping[str, str]:
        return self._home.checksums(self._within(path))

    def usage(self) -> Usage:
        return self._home.usage()

    def write(
        self, path: FilePath, body: Body, *, when: Condition = ANYTHING, metadata: Metadata = NO_METADATA
    ) -> Written:
        return self._home.write(self._changeable(path), body, when=when, metadata=metadata)

    def make_folder(self, path: FilePath, *, when: Condition = ANYTHING) -> Entry:
        return self._home.make_folder(self._changeable(path), when=when)

    def copy(
        self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING, deep: bool = True
    ) -> Written:
        return self._home.copy(self._within(source), self._changeable(target), when=when, deep=deep)

    def move(self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING) -> Written:
        return self._home.move(self._changeable(source), self._changeable(target), when=when)

    def delete(self, path: FilePath, *, when: Condition = ANYTHING) -> Trashed | None:
        return self._home.delete(self._changeable(path), when=when)

    def set_modified(self, path: FilePath, modified: int) -> Entry:
        return self._home.set_modified(self._changeable(path), modified)

    def refuse_placeholder(self, path: FilePath) -> None:
        self._home.refuse_placeholder(self._changeable(path))

    def forget_placeholder(self, path: FilePath) -> bool:
        return self._home.forget_placeholder(self._changeable(path))

    def versions(self, path: FilePath) -> Iterator[Version]:
        return self._home.versions(self._within(path))

    def open_version(self, path: FilePath, version_id: str) -> Content:
        return self._home.open_version(self._within(path), version_id)

    def restore_version(self, path: FilePath, version_id: str) -> Written:
        return self._home.restore_version(self._changeable(path), version_id)

    def purge_version(self, path: FilePath, version_id: str) -> None:
        self._home.purge_version(self._changeable(path), version_id)

    def trash(self) -> Iterator[Trashed]:
        self._outside()

    def restore(self, trash_id: str, target: FilePath | None = None) -> Written:
        self._outside()

    def open_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Content:
        self._outside()

    def list_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Iterator[Entry]:
        self._outside()

    def purge(self, trash_id: str) -> None:
        self._outside()

    def close(self) -> None:
        """The home is the caller's."""

    def check_change(self, path: FilePath) -> None:
        """Raises Refused where nothing at this path may be changed, its locks and properties included."""
        if self._read_only:
            raise Refused("This password may only read", rule="read-only")
        self._within(path)

    def _leads_there(self, path: FilePath) -> bool:
        return path != self._folder and self._folder.is_within(path)

    def _within(self, path: FilePath) -> FilePath:
        if not path.is_within(self._folder):
            self._outside()
        return path

    def _changeable(self, path: FilePath) -> FilePath:
        self.check_change(path)
        if path == self._folder and not path.is_root:
            raise Refused("This password cannot change the folder that it opens", rule="scope")
        return path

    def _outside(self) -> NoReturn:
        raise Refused(f"This password opens {self._folder} only", rule="scope")
