"""The trash and the earlier versions as folders: `/.filehost/trash/` and `/.filehost/versions/`.

Any WebDAV client can look into them; moving or copying something out restores it, deleting there
removes it for good, and nothing can be written there. `/.filehost/versions/` has the folders of the
user's files, and each file is a folder of its earlier contents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from filehost_dav.errors import IsAFolder, NotAFolder, NotFound, Refused
from filehost_dav.paths import LONGEST_NAME, FilePath
from filehost_dav.storage.tree import Content, Entry, Trashed, Tree, Version

TOP: Final = ".filehost"
_TRASH: Final = "trash"
_VERSIONS: Final = "versions"

T = TypeVar("T")


def is_attic(path: FilePath) -> bool:
    """Whether `path` lies in the virtual folders, or is their top."""
    return bool(path.parts) and path.parts[0] == TOP


class Attic:
    """The virtual folders of one user's tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def stat(self, path: FilePath) -> Entry:
        """Raises NotFound."""
        match path.parts:
            case (_,) | (_, "trash") | (_, "versions"):
                return _folder(path, self._tree.stat(FilePath.root()))
            case (_, "trash", name):
                return _at(path, self.trashed(name).entry)
            case (_, "trash", *_):
                return self._member(path)
            case (_, "versions", *parts):
                return self._stat_versions(path, FilePath(tuple(parts)))
            case _:
                raise NotFound("There is nothing here")

    def list(self, folder: FilePath) -> Iterator[Entry]:
        """Raises NotFound, NotAFolder."""
        match folder.parts:
            case (_,):
                return iter([self.stat(folder / _TRASH), self.stat(folder / _VERSIONS)])
            case (_, "trash"):
                return iter([_at(folder / name, trashed.entry) for name, trashed in self._trash().items()])
            case (_, "trash", name, *below):
                inner = self._tree.list_trashed(self.trashed(name).id, tuple(below))
                return iter([_at(folder / entry.path.name, entry) for entry in inner])
            case (_, "versions", *parts):
                return iter(self._list_versions(folder, FilePath(tuple(parts))))
            case _:
                raise NotFound("There is nothing here")

    def open(self, path: FilePath) -> Content:
        """Raises NotFound, IsAFolder."""
        match path.parts:
            case (_, "trash", name, *below):
                return self._tree.open_trashed(self.trashed(name).id, tuple(below))
            case (_, "versions", *_, _) if not self.stat(path).is_folder:
                file, version = self.version(path)
                return self._tree.open_version(file, version.id)
            case _:
                self.stat(path)
                raise IsAFolder("This is a folder")

    def trashed(self, name: str) -> Trashed:
        """What is shown under `name` in the trash. Raises NotFound."""
        trashed = self._trash().get(name)
        if trashed is None:
            raise NotFound("There is nothing here")
        return trashed

    def version(self, path: FilePath) -> tuple[FilePath, Version]:
        """The file, and its version, that are shown at `path`. Raises NotFound."""
        file = FilePath(path.parts[2:-1])
        version = self._versions(file).get(path.name) if path.parts[1] == _VERSIONS and file.parts else None
        if version is None:
            raise NotFound("There is nothing here")
        return file, version

    def purge(self, path: FilePath) -> None:
        """Remove for good what is shown at `path`. Raises NotFound, Refused."""
        match path.parts:
            case (_, "trash", name):
                self._tree.purge(self.trashed(name).id)
            case (_, "versions", *_, _) if not self.stat(path).is_folder:
                file, version = self.version(path)
                self._tree.purge_version(file, version.id)
            case _:
                self.stat(path)
                raise Refused("Only a whole entry of the trash, or a version, can be removed", rule="name")

    def _trash(self) -> Mapping[str, Trashed]:
        oldest_first = reversed(list(self._tree.trash()))
        return _named((trashed.origin.name, trashed.deleted, trashed) for trashed in oldest_first)

    def _member(self, path: FilePath) -> Entry:
        """What lies below a trashed folder."""
        *below, last = path.parts[3:]
        members = self._tree.list_trashed(self.trashed(path.parts[2]).id, tuple(below))
        for entry in members:
            if entry.path.name == last:
                return _at(path, entry)
        raise NotFound("There is nothing here")

    def _stat_versions(self, path: FilePath, origin: FilePath) -> Entry:
        try:
            return _folder(path, self._tree.stat(origin))
        except (NotFound, NotAFolder):
            file, version = self.version(path)
            return _version_entry(path, file, version)

    def _list_versions(self, folder: FilePath, origin: FilePath) -> Sequence[Entry]:
        try:
            entry = self._tree.stat(origin)
        except (NotFound, NotAFolder):
            self.version(folder)
            raise NotAFolder("This is not a folder") from None
        if entry.is_folder:
            return [_folder(folder / member.path.name, member) for member in self._tree.list(origin)]
        versions = self._versions(origin).items()
        return [_version_entry(folder / name, origin, version) for name, version in versions]

    def _versions(self, file: FilePath) -> Mapping[str, Version]:
        try:
            oldest_first = reversed(list(self._tree.versions(file)))
        except (NotFound, NotAFolder, IsAFolder):
            return {}
        return _named((file.name, version.replaced, version) for version in oldest_first)


def labelled(name: str, moment: int, number: int = 1) -> str:
    """`report.pdf` of a moment (ns since the epoch): `report (2026-11-24 10.15.30).pdf`, in UTC.

    `number` tells apart what shares a second: `report (2026-11-24 10.15.30 2).pdf`.
    """
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    when = datetime.fromtimestamp(moment // 1_000_000_000, UTC).strftime("%Y-%m-%d %H.%M.%S")
    ending = f" ({when}{f' {number}' if number > 1 else ''}){dot}{extension}"
    room = LONGEST_NAME - len(ending.encode())  # a name that fills its room is shown shortened
    return stem.encode()[:room].decode(errors="ignore") + ending


def _named(items: Iterable[tuple[str, int, T]]) -> dict[str, T]:
    """Each item under a name that is its own."""
    named: dict[str, T] = {}
    for name, moment, item in items:
        number = 1
        while (label := labelled(name, moment, number)) in named:
            number += 1
        named[label] = item
    return named


def _at(path: FilePath, entry: Entry) -> Entry:
    return replace(entry, path=path)


def _folder(path: FilePath, like: Entry) -> Entry:
    """A virtual folder with the times of what it stands for."""
    etag = like.etag.replace('"', '"attic-', 1)
    return Entry(path, True, 0, like.modified, like.created, etag, id=f"attic-{path}")


def _version_entry(path: FilePath, file: FilePath, version: Version) -> Entry:
    identity = f"version-{version.id}"
    return Entry(path, False, version.size, version.modified, version.modified, version.etag, identity)
