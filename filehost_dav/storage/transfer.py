"""Moving users' files between any two storages, and between a storage and plain folders.

A transfer may be interrupted and done again, and people may work on the source meanwhile: what is
there already with the same size and time is passed over, what has gone from the source goes to the
trash of the target. Every file that is copied is read back and compared by its SHA-256. Trash and earlier
versions go along, and their age with them.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from filehost_dav.errors import (
    BadPath,
    ChecksumMismatch,
    Exists,
    NotAFolder,
    NotFound,
    QuotaExceeded,
    Refused,
)
from filehost_dav.paths import Area, FilePath
from filehost_dav.storage.tree import Content, Entry, Metadata, StoredTree, Trashed, Tree, Version

_BUFFER: Final = 256 * 1024


class Moved(NamedTuple):
    """One file after its turn. `outcome` is one of: copied, version, same, removed, vanished, refused."""

    place: str
    size: int
    outcome: str


def copy_tree(source: Tree, target: StoredTree) -> Iterator[Moved]:
    """Make one user's files, side files and staging in `target` like those in `source`, and add its trash.

    Raises ChecksumMismatch when a file reads back otherwise than it was read, and what both raise.
    """
    for area in Area:
        yield from _copy_folder(source, target, FilePath((), area))
    yield from _copy_trash(source, target)


def export_tree(source: Tree, target: Path) -> Iterator[Moved]:
    """Write one user's files into an empty folder, as plain files with their times. Raises Exists."""
    if target.exists() and any(target.iterdir()):
        raise Exists("The folder for the export must be empty")
    yield from _export_folder(source, FilePath.root(), target)


def import_tree(source: Path, target: Tree) -> Iterator[Moved]:
    """Take the plain files below a folder into a tree; links and special files are passed over.

    What is there already is overwritten, its content becoming a version. Names that no client could
    use are refused.
    """
    yield from _import_folder(source, target, FilePath.root())


def _copy_folder(source: Tree, target: StoredTree, folder: FilePath) -> Iterator[Moved]:
    try:
        members = {entry.path.name: entry for entry in source.list(folder)}
    except NotFound:
        return
    present = {entry.path.name: entry for entry in _list(target, folder)}
    for name in present.keys() - members.keys():
        target.delete(present[name].path)
        yield Moved(str(present[name].path), present[name].size, "removed")
    for name, entry in members.items():
        there = present.get(name)
        if there is not None and there.is_folder != entry.is_folder:
            target.delete(there.path)
            there = None
        yield from _copy_member(source, target, entry, there)


def _copy_member(source: Tree, target: StoredTree, entry: Entry, there: Entry | None) -> Iterator[Moved]:
    if entry.is_folder:
        if there is None:
            target.make_folder(entry.path)
        yield from _copy_folder(source, target, entry.path)
        if not entry.path.is_root:
            target.set_modified(entry.path, entry.modified)
    elif there is not None and there.size == entry.size and _alike(there.modified, entry.modified):
        yield Moved(str(entry.path), entry.size, "same")
    elif there is None:
        versions = _versions(source, entry)
        yield from _copy_versions(source, target, entry, versions)
        yield _copy_file(source, target, entry)
        _date_versions(target, entry, versions)
    else:
        yield _copy_file(source, target, entry)


def _copy_file(source: Tree, target: Tree, entry: Entry) -> Moved:
    try:
        content = source.open(entry.path)
    except NotFound:
        return Moved(str(entry.path), 0, "vanished")
    return _copy_content(content, target, entry.path)


def _copy_content(content: Content, target: Tree, path: FilePath) -> Moved:
    with content:
        body = _Reading(content)
        written = target.write(path, body, metadata=Metadata(content.entry.modified))
    if _sum_of(target, written.entry) != body.sum:
        raise ChecksumMismatch(f"{path} does not read back as it was written")
    return Moved(str(path), written.entry.size, "copied")


def _versions(source: Tree, entry: Entry) -> list[Version]:
    """The newest first."""
    try:
        return list(source.versions(entry.path)) if entry.path.area is Area.FILES else []
    except NotFound:  # it went meanwhile
        return []


def _copy_versions(source: Tree, target: Tree, entry: Entry, versions: Sequence[Version]) -> Iterator[Moved]:
    """Write the earlier contents of a file, the oldest first: each becomes a version when the next comes."""
    try:
        for version in reversed(versions):
            content = source.open_version(entry.path, version.id)
            yield _copy_content(content, target, entry.path)._replace(outcome="version")
    except (NotFound, QuotaExceeded):  # it went meanwhile, or its room is needed for files
        return


def _date_versions(target: StoredTree, entry: Entry, versions: Sequence[Version]) -> None:
    """Give those that became versions of the copy their own times."""
    made = _versions(target, entry) if versions else []
    for version in versions:
        alike = (one for one in made if one.size == version.size and _alike(one.modified, version.modified))
        copied = next(alike, None)
        if copied is not None:
            made.remove(copied)
            target.date_version(entry.path, copied.id, version.replaced)


def _copy_trash(source: Tree, target: StoredTree) -> Iterator[Moved]:
    """Each piece of trash comes into staging, where nothing is in its way, and is deleted there."""
    present = Counter(map(_known, target.trash()))
    for trashed in reversed(list(source.trash())):
        place = trashed.origin.in_area(Area.STAGING)
        if present[_known(trashed)] > 0:
            present[_known(trashed)] -= 1
        elif not _is_there(target, place):
            try:
                yield from _copy_trashed(source, target, trashed, place)
            except (NotFound, QuotaExceeded):
                yield Moved(f"trash: {trashed.origin}", 0, "vanished")
            _delete(target, place, trashed.deleted)


def _copy_trashed(source: Tree, target: Tree, trashed: Trashed, place: FilePath) -> Iterator[Moved]:
    if not trashed.entry.is_folder:
        moved = _copy_content(source.open_trashed(trashed.id), target, place)
        yield moved._replace(place=f"trash: {trashed.origin}")
        return
    target.make_folder(place)
    yield from _copy_trashed_members(source, target, trashed.id, place, ())
    target.set_modified(place, trashed.entry.modified)


def _copy_trashed_members(
    source: Tree, target: Tree, trash_id: str, place: FilePath, below: tuple[str, ...]
) -> Iterator[Moved]:
    for entry in list(source.list_trashed(trash_id, below)):
        here = (*below, entry.path.name)
        path = place / entry.path.name
        if entry.is_folder:
            target.make_folder(path)
            yield from _copy_trashed_members(source, target, trash_id, path, here)
            target.set_modified(path, entry.modified)
        else:
            moved = _copy_content(source.open_trashed(trash_id, here), target, path)
            yield moved._replace(place=f"trash: {path}")


def _delete(target: StoredTree, place: FilePath, deleted: int) -> None:
    """To the trash, as of that time, and away with the folders above it that were made for it."""
    if _is_there(target, place) and (trashed := target.delete(place)) is not None:
        target.date_trashed(trashed.id, deleted)
    for folder in place.ancestors:
        if not folder.is_root and _is_there(target, folder) and not any(target.list(folder)):
            target.delete(folder)


def _known(trashed: Trashed) -> tuple[FilePath, int, int]:
    """What tells a piece of trash from others on both sides."""
    return trashed.origin, trashed.size, (trashed.entry.modified + 500_000) // 10**9


def _is_there(tree: Tree, path: FilePath) -> bool:
    try:
        tree.stat(path)
    except (NotFound, NotAFolder):
        return False
    return True


def _alike(one: int, other: int) -> bool:
    # A local file's time may differ by a few nanoseconds from the one that was asked for.
    return abs(one - other) < 1_000_000


def _sum_of(tree: Tree, entry: Entry) -> str:
    with tree.open(entry.path) as content:
        body = _Reading(content)
        buffer = memoryview(bytearray(_BUFFER))
        while body.readinto(buffer):
            pass
        return body.sum


def _list(tree: Tree, folder: FilePath) -> Iterator[Entry]:
    try:
        yield from tree.list(folder)
    except NotFound:
        return


class _Reading:
    """A Body out of a Content, hashed on its way."""

    def __init__(self, content: Content) -> None:
        self.length: int | None = content.entry.size
        self._blocks = content.blocks(0, content.entry.size)
        self._rest = memoryview(b"")
        self._hash = hashlib.sha256()

    @property
    def sum(self) -> str:
        return self._hash.hexdigest()

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        self._hash.update(buffer[:count])
        return count


def _export_folder(source: Tree, folder: FilePath, target: Path) -> Iterator[Moved]:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.list(folder):
        place = target / entry.path.name
        if entry.is_folder:
            yield from _export_folder(source, entry.path, place)
        else:
            with source.open(entry.path) as content, place.open("xb") as file:
                file.writelines(content.blocks(0, content.entry.size))
            yield Moved(str(entry.path), entry.size, "copied")
        os.utime(place, ns=(entry.modified, entry.modified))


def _import_folder(source: Path, target: Tree, folder: FilePath) -> Iterator[Moved]:
    present = {entry.path.name for entry in target.list(folder) if entry.is_folder}
    for member in sorted(source.iterdir()):
        try:
            path = folder / member.name
        except BadPath:
            yield Moved(f"{folder}/{member.name!r}", 0, "refused")
            continue
        try:
            if member.is_dir() and not member.is_symlink():
                if path.name not in present:
                    target.make_folder(path)
                yield from _import_folder(member, target, path)
                target.set_modified(path, member.stat().st_mtime_ns)
            elif member.is_file() and not member.is_symlink():
                yield _import_file(member, target, path)
        except Refused:
            yield Moved(str(path), 0, "refused")


def _import_file(source: Path, target: Tree, path: FilePath) -> Moved:
    with source.open("rb") as file:
        status = os.fstat(file.fileno())
        body = _Plain(file.readinto, status.st_size)
        written = target.write(path, body, metadata=Metadata(status.st_mtime_ns))
    return Moved(str(path), written.entry.size, "copied")


class _Plain:
    """A Body out of a plain file."""

    def __init__(self, readinto: Callable[[memoryview], int], length: int) -> None:
        self.length: int | None = length
        self._readinto = readinto

    def readinto(self, buffer: memoryview, /) -> int:
        return self._readinto(buffer)
