"""ObjectTree: the contract of `storage.tree` on rows and blobs.

Reading is one query. A change is one Change; a body goes into the bucket before it, unseen, and the
conditions of the request are asked once before the first byte and again in the commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from filehost_dav.errors import IsAFolder, NotAFolder, NotFound, ParentMissing
from filehost_dav.paths import Area, FilePath
from filehost_dav.state.database import Database
from filehost_dav.storage.object import placing, trash, versions
from filehost_dav.storage.object.blobs import Blobs
from filehost_dav.storage.object.change import Change, changing, found_tree, taken, taking_in
from filehost_dav.storage.object.content import BlobContent
from filehost_dav.storage.object.memory import Memory
from filehost_dav.storage.object.rows import (
    Node,
    Root,
    asked_of_target,
    root_of,
    walk,
    walk_alike,
    walk_listing,
)
from filehost_dav.storage.object.uploads import Owned, Uploads
from filehost_dav.storage.tree import (
    ANYTHING,
    NO_METADATA,
    Body,
    Condition,
    Entry,
    Metadata,
    Scan,
    Trashed,
    Usage,
    Version,
    Written,
)

_ENDLESS = 1 << 50  # bytes said to be available where there is no quota: a bucket has no end


class ObjectTree:
    """One user's files. `quota` in bytes; `clock` in nanoseconds since the epoch."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        user: str,
        uploads: Uploads,
        memory: Memory,
        *,
        quota: int | None,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._user = user
        self._uploads = uploads
        self._memory = memory
        self._quota = quota
        self._clock = clock

    def stat(self, path: FilePath) -> Entry:
        return self._find(path).entry(path)

    def list(self, folder: FilePath) -> Iterator[Entry]:
        root = root_of(folder.area)
        found = walk_listing(self._database, self._user, root, folder.parts)
        if not found and folder.is_root:
            self._walk(folder)
            found = walk_listing(self._database, self._user, root, folder.parts)
        return _members(found, folder)

    def scan(self, folder: FilePath) -> Scan | None:
        return None

    def generation(self, folder: FilePath) -> Hashable | None:
        chain = self._walk(folder)
        if len(chain) <= len(folder.parts):
            return None
        return chain[-1].id, chain[-1].change, chain[-1].modified

    def twin(self, path: FilePath) -> str | None:
        alike = walk_alike(self._database, self._user, path)
        return alike[0] if alike and path.name not in alike else None

    def open(self, path: FilePath) -> BlobContent:
        return self._content(self._find(path), path)

    def write(
        self, path: FilePath, body: Body, *, when: Condition = ANYTHING, metadata: Metadata = NO_METADATA
    ) -> Written:
        questions = [*asked_of_target(self._user, path), *when.asks]
        with self._database.foreseen(questions):
            owned = Owned(self._user, path, self._check_early(path, when), self._quota)
        with (
            self._uploads.received(owned, body, metadata) as blob,
            taking_in(self._database, self._user, self._clock(), blob, questions) as change,
        ):
            return placing.fill(change, path, blob, metadata.modified, when, quota=self._quota)

    def make_folder(self, path: FilePath, *, when: Condition = ANYTHING) -> Entry:
        with self._changing(path) as change:
            return placing.make_folder(change, path, when)

    def copy(
        self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING, deep: bool = True
    ) -> Written:
        placing.check_apart(source, target)
        with self._changing(source, target) as change:
            return placing.copy(change, source, target, when, deep=deep, quota=self._quota)

    def move(self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING) -> Written:
        placing.check_apart(source, target)
        with self._changing(source, target) as change:
            return placing.move(change, source, target, when)

    def delete(self, path: FilePath, *, when: Condition = ANYTHING) -> Trashed | None:
        with self._changing(path) as change:
            kept_before = change.kept
            node, name = placing.delete(change, path, when)
            size = change.kept - kept_before
        if name is None:
            return None
        return Trashed(name, path.in_area(Area.FILES), change.now, node.entry(path), size)

    def set_modified(self, path: FilePath, modified: int) -> Entry:
        with self._changing(path) as change:
            chain, node = change.find(path)
            return change.set_modified(node, modified, chain).entry(path)

    def checksums(self, path: FilePath) -> Mapping[str, str]:
        node = self._find(path)
        found = self._database.query("SELECT sums FROM blob WHERE id = ?", (node.blob,)) if node.blob else []
        sums: Mapping[str, str] = json.loads(found[0][0]) if found else {}
        return sums

    def usage(self) -> Usage:
        used, reserved = taken(self._database, self._user)
        limit = self._quota
        available = _ENDLESS if limit is None else max(0, limit - used - reserved)
        return Usage(used, limit, available)

    def trash(self) -> Iterator[Trashed]:
        return trash.trashed(self._database, self._user)

    def restore(self, trash_id: str, target: FilePath | None = None) -> Written:
        with self._changing() as change:
            return trash.restore(change, trash_id, target)

    def open_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> BlobContent:
        node = trash.find(self._database, self._user, trash_id, below)
        return self._content(node, FilePath((trash_id, *below)))

    def list_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Iterator[Entry]:
        parts = (trash_id, *below)
        return _members(walk_listing(self._database, self._user, Root.TRASH, parts), FilePath(parts))

    def purge(self, trash_id: str) -> None:
        with self._changing() as change:
            change.purge(trash_id)

    def date_trashed(self, trash_id: str, deleted: int) -> None:
        with self._changing() as change:
            trash.date(change, trash_id, deleted)

    def versions(self, path: FilePath) -> Iterator[Version]:
        return iter(versions.versions(self._database, self._find(path), path))

    def open_version(self, path: FilePath, version_id: str) -> BlobContent:
        entry, blob = versions.find(self._database, self._find(path), path, version_id)
        return BlobContent(entry, self._blobs, blob, self._memory)

    def restore_version(self, path: FilePath, version_id: str) -> Written:
        with self._changing() as change:
            return versions.restore(change, path, version_id)

    def purge_version(self, path: FilePath, version_id: str) -> None:
        with self._changing() as change:
            versions.purge(change, path, version_id)

    def date_version(self, path: FilePath, version_id: str, replaced: int) -> None:
        with self._changing(path) as change:
            versions.date(change, path, version_id, replaced)

    def close(self) -> None:
        """Nothing is held between calls."""

    def _changing(self, *paths: FilePath) -> AbstractContextManager[Change]:
        """A Change that will look at these places."""
        questions = [question for path in paths for question in asked_of_target(self._user, path)]
        return changing(self._database, self._user, self._clock(), questions)

    def _walk(self, path: FilePath) -> Sequence[Node]:
        root = root_of(path.area)
        chain = walk(self._database, self._user, root, path.parts)
        if not chain:
            # The user was removed, and is there again, since this tree was obtained.
            found_tree(self._database, self._user, self._clock())
            chain = walk(self._database, self._user, root, path.parts)
        return chain

    def _find(self, path: FilePath) -> Node:
        chain = self._walk(path)
        if len(chain) <= len(path.parts):
            raise NotFound("There is nothing here")
        return chain[-1]

    def _check_early(self, path: FilePath, when: Condition) -> int:
        """Refuse before a byte of the body is read; the commit asks again. The bytes that will be replaced."""
        chain = self._walk(path)
        missing = len(path.parts) + 1 - len(chain)
        if (missing and not chain[-1].folder) or (missing > 1 and path.area is Area.FILES):
            raise ParentMissing("The folder does not exist")
        placing.check_file(None if missing else chain[-1], path, when)
        return 0 if missing else chain[-1].size

    def _content(self, node: Node, path: FilePath) -> BlobContent:
        if node.blob is None:
            raise IsAFolder("This is a folder")
        return BlobContent(node.entry(path), self._blobs, node.blob, self._memory)


def _members(found: Sequence[Node], folder: FilePath) -> Iterator[Entry]:
    """The members of a folder out of a listing of itself and them. Raises NotFound, NotAFolder."""
    if not found:
        raise NotFound("There is nothing here")
    if not found[0].folder:
        raise NotAFolder("This is not a folder")
    parts, area = folder.parts, folder.area
    return (node.entry(FilePath((*parts, node.name), area)) for node in found[1:])
