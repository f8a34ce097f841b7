"""What lies beside a user's documents: side files, and what waits in staging to become a document.

Both areas mirror the folders of the documents, so that a folder's move carries its mirrors along. A
document that a program parked under a staging name (Word renames the original before it puts the new
one in place) is never lost: whatever would remove it puts it into the trash, under its own name.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from filehost_dav.errors import NotAFolder, NotFound, ParentMissing, QuotaExceeded
from filehost_dav.paths import Area, FilePath
from filehost_dav.policy.roles import Policy, Role
from filehost_dav.storage.marks import PLACE as MARKS
from filehost_dav.storage.marks import Marks
from filehost_dav.storage.publish import BoundedBody
from filehost_dav.storage.tree import Body, Entry, Trashed, Tree

_PROBE: Final = 4096  # bytes; the most that a bare number (vim's 4913) may hold
_STAGING: Final = FilePath((), Area.STAGING)
_SIDE: Final = FilePath((), Area.SIDE)
_TRASHED: Final = MARKS / "trashed"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one user may keep beside the documents.

    `staged` in bytes and `staged_files` are for all of staging; `side` is bytes of one side file; `age`
    is how long, in seconds, a file may wait in staging, and a lock marker stand, before it is cleared.
    """

    staged: int = 10 * 1024**3
    staged_files: int = 1000
    side: int = 16 * 1024**2
    age: int = 24 * 3600


DEFAULT_LIMITS: Final = Limits()


class Aside:
    """The two areas beside one user's documents."""

    def __init__(self, tree: Tree, policy: Policy, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._tree = tree
        self._policy = policy
        self._parked = Marks(tree, "parked")

    def place(self, path: FilePath) -> FilePath:
        """Where what a user calls `path` lies, if it exists.

        What was put on disk by hand under such a name lies among the documents, and stays in reach.
        """
        area = self._policy.area(path)
        if area is Area.FILES:
            return path
        mirror = path.in_area(area)
        return path if self.find(mirror) is None else mirror

    def find(self, path: FilePath) -> Entry | None:
        try:
            return self._tree.stat(path)
        except (NotFound, NotAFolder):
            return None

    def members(self, folder: FilePath) -> list[Entry]:
        """What is shown in a folder of documents beside the documents: staged files and lock markers."""
        staged = [entry for entry in self._list(folder.in_area(Area.STAGING)) if self._is_staged(entry)]
        markers = [entry for entry in self._list(folder.in_area(Area.SIDE)) if self.is_marker(entry)]
        return [shown(entry) for entry in (*staged, *markers)]

    def require_parent(self, path: FilePath) -> None:
        """Raises ParentMissing unless the folder of `path`, as the user sees it, exists."""
        folder = self.find(self.place(path.parent))
        if folder is None or not folder.is_folder:
            raise ParentMissing("The folder does not exist")

    def bounded(self, place: FilePath, body: Body) -> Body:
        """`body` within the limits of its area. Raises QuotaExceeded, TooLarge."""
        if place.area is Area.SIDE:
            return BoundedBody(body, self.limits.side)
        room = self.require_room(body.length or 0)
        if place.name.isdecimal():
            return BoundedBody(body, _PROBE)
        return body if body.length is not None else BoundedBody(body, room)

    def require_room(self, length: int) -> int:
        """The bytes that may still wait in staging. Raises QuotaExceeded if a file of `length` may not."""
        staged = [entry.size for entry in self.staged()]
        room = self.limits.staged - sum(staged)
        if len(staged) >= self.limits.staged_files or length > room:
            raise QuotaExceeded("Too many unfinished files are waiting to be saved")
        return room

    def staged(self, below: FilePath = _STAGING) -> Iterator[Entry]:
        """Every file and staging folder that waits, from the top; not the mirrors of folders."""
        for entry in self._list(below):
            if not entry.is_folder or self._is_staged(entry):
                yield entry
            if entry.is_folder:
                yield from self.staged(entry.path)

    def side_files(self, below: FilePath = _SIDE) -> Iterator[Entry]:
        """Every side file, without what is remembered about files."""
        for entry in self._list(below):
            if not entry.is_folder:
                yield entry
            elif entry.path != MARKS:
                yield from self.side_files(entry.path)

    def is_marker(self, entry: Entry) -> bool:
        """Whether `entry` tells that a document is open."""
        return not entry.is_folder and self._policy.is_marker(entry.path)

    def forget_all_but(self, ids: Set[str]) -> None:
        """Forget the names of parked documents that are not parked any more."""
        for file_id in self._parked:
            if file_id not in ids:
                self._parked.drop(file_id)

    def park(self, document: Entry) -> None:
        """Remember what a document is called before it moves to a staging name."""
        self._parked.set(document.id, document.path.name)

    def parked_name(self, entry: Entry) -> str | None:
        """The name that a document had before it was parked; None for what was never a document."""
        return self._parked.get(entry.id)

    def published(self, entry_id: str) -> None:
        """What was parked under this id is a document again."""
        self._parked.drop(entry_id)

    def make_way(self, place: FilePath) -> None:
        """Bring what is parked at `place` into safety before it is replaced.

        A copy, so that the file stands until it is replaced, and as it was for the request's conditions.
        """
        entry = self.find(place) if place.area is Area.STAGING else None
        name = self.parked_name(entry) if entry is not None else None
        if entry is not None and name is not None:
            self._tree.copy(place, place.parent / name)
            self._tree.delete(place.parent / name)
            self._parked.drop(entry.id)

    def discard(self, entry: Entry) -> Trashed | None:
        """Delete what lies aside, on the user's demand."""
        if entry.path.area is Area.STAGING and (entry.is_folder or self.parked_name(entry) is not None):
            return self.to_trash(entry)
        self._remove(entry.path)  # it never was a document, and its own program has done with it
        return None

    def to_trash(self, entry: Entry) -> Trashed | None:
        """Put what waits in staging into the trash, a parked document under its own name."""
        name = self.parked_name(entry)
        place = entry.path if name is None else entry.path.parent / name
        if place != entry.path:
            if self.find(place) is not None:
                self._tree.delete(place)
            self._tree.move(entry.path, place)
        trashed = self._tree.delete(place)
        self._parked.drop(entry.id)
        return trashed

    def drop_mirrors(self, folder: FilePath, trashed: Trashed | None = None) -> None:
        """`folder` is gone: its parked documents go to the trash, its side files go, or wait for its return
        where `trashed` is the folder in the trash.
        """
        staging, side = folder.in_area(Area.STAGING), folder.in_area(Area.SIDE)
        for entry in list(self.staged(staging)):
            if self.parked_name(entry) is not None:
                self.to_trash(entry)
        if self.find(staging) is not None:
            self._remove(staging)
        if self.find(side) is not None:
            if trashed is None:
                self._remove(side)
            else:
                self._tree.move(side, _TRASHED / trashed.id)

    def restored(self, trash_id: str, folder: FilePath) -> None:
        """A folder is back from the trash, at `folder`: so are its side files."""
        if self.find(_TRASHED / trash_id) is not None:
            self._tree.move(_TRASHED / trash_id, folder.in_area(Area.SIDE))

    def forget_purged(self) -> None:
        """The side files of folders that are not in the trash any more go."""
        waiting = self._list(_TRASHED)  # before the trash, so that a folder deleted meanwhile is in it
        kept = {trashed.id for trashed in self._tree.trash()} if waiting else set()
        for entry in waiting:
            if entry.path.name not in kept:
                self._remove(entry.path)

    def carry_mirrors(self, source: FilePath, target: FilePath) -> None:
        """`source`, a folder, has become `target`."""
        for area in (Area.SIDE, Area.STAGING):
            if self.find(source.in_area(area)) is not None:
                if self.find(target.in_area(area)) is not None:
                    self.drop_mirrors(target)  # of a folder that somebody removed from the disk by hand
                self._tree.move(source.in_area(area), target.in_area(area))

    def copy_mirror(self, source: FilePath, target: FilePath) -> None:
        """`source`, a folder, was copied to `target`: so are its side files."""
        if self.find(source.in_area(Area.SIDE)) is not None:
            self._tree.copy(source.in_area(Area.SIDE), target.in_area(Area.SIDE))

    def _remove(self, path: FilePath) -> None:
        trashed = self._tree.delete(path)
        if trashed is not None:
            with suppress(NotFound):  # somebody emptied the trash meanwhile
                self._tree.purge(trashed.id)

    def _list(self, folder: FilePath) -> list[Entry]:
        try:
            return list(self._tree.list(folder))
        except (NotFound, NotAFolder):
            return []

    def _is_staged(self, entry: Entry) -> bool:
        path = entry.path.in_area(Area.FILES)
        return self._policy.classify(path, is_folder=entry.is_folder) is Role.STAGING


def shown(entry: Entry) -> Entry:
    """`entry` at the place the user knows."""
    return entry if entry.path.area is Area.FILES else replace(entry, path=entry.path.in_area(Area.FILES))
