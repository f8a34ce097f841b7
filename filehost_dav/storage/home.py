"""Home: one user's tree as DAV and the page see it, with the policy at every door.

A name is judged before a body byte is read: PUT, MKCOL, and the destination of COPY and MOVE with
every member whose place changes its role. The name of a source is never judged, so that a file which
is no longer allowed stays readable and can be renamed to something allowed. Side files and staged
files lie in areas of their own (`aside`), trash and versions appear below `/.filehost/` (`attic`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Final

from filehost_dav.errors import ConditionFailed, Full, IsAFolder, NotFound, QuotaExceeded, Refused, TooLarge
from filehost_dav.paths import Area, FilePath
from filehost_dav.policy.roles import AREAS, Policy, Role
from filehost_dav.storage.aside import DEFAULT_LIMITS, Aside, Limits, shown
from filehost_dav.storage.attic import Attic, is_attic
from filehost_dav.storage.clearing import Clearing
from filehost_dav.storage.judge import Judge
from filehost_dav.storage.marks import Marks
from filehost_dav.storage.merged import MergedScan
from filehost_dav.storage.publish import ContentBody
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
    Tree,
    Usage,
    Version,
    Written,
)

_AT_HAND: Final = 64 * 1024  # bytes of a body that has arrived with its request; to read it costs nothing


class Home:
    """A Tree over a Tree. Raises what the inner tree raises, and Refused where the policy says no."""

    def __init__(
        self,
        tree: Tree,
        policy: Policy,
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tree = tree
        self._policy = policy
        self._clock = clock
        self._aside = Aside(tree, policy, limits)
        self._judge = Judge(tree, policy, self._aside)
        self._clearing = Clearing(tree, self._aside)
        self._attic = Attic(tree)
        self._refused = Marks(tree, "refused")

    def stat(self, path: FilePath) -> Entry:
        if is_attic(path):
            return self._attic.stat(path)
        place = self._place(path)
        entry = self._tree.stat(place)
        return entry if place is path else shown(entry)

    def list(self, folder: FilePath) -> Iterator[Entry]:
        if is_attic(folder):
            return self._attic.list(folder)
        place = self._place(folder)
        if place.area is not Area.FILES:
            return map(shown, self._tree.list(place))
        documents = self._tree.list(place)
        beside = self._aside.members(folder)
        return _merged(documents, beside) if beside else documents

    def scan(self, folder: FilePath) -> Scan | None:
        if is_attic(folder) or self._place(folder).area is not Area.FILES:
            return None
        scan = self._tree.scan(folder)
        beside = self._aside.members(folder)
        return MergedScan(scan, beside) if scan is not None and beside else scan

    def generation(self, folder: FilePath) -> Hashable | None:
        if is_attic(folder) or self._place(folder).area is not Area.FILES:
            return None
        generation = self._tree.generation(folder)
        # A folder with something beside its documents is in use this minute: it is listed every time.
        return None if generation is None or self._aside.members(folder) else generation

    def twin(self, path: FilePath) -> str | None:
        return None if is_attic(path) else self._tree.twin(path)

    def open(self, path: FilePath) -> Content:
        if is_attic(path):
            return self._attic.open(path)
        return self._tree.open(self._place(path))

    def write(
        self, path: FilePath, body: Body, *, when: Condition = ANYTHING, metadata: Metadata = NO_METADATA
    ) -> Written:
        role = self._role(path)
        place = path if role not in AREAS else self._goal(path, is_folder=False)
        try:
            body = self._admitted(path, place, body)
            settled = self._judge.settled(when, path, place)
            written = self._tree.write(place, body, when=settled, metadata=metadata)
        except (Refused, QuotaExceeded, TooLarge):
            self.refuse_placeholder(path)
            raise
        return _as_shown(written)

    def make_folder(self, path: FilePath, *, when: Condition = ANYTHING) -> Entry:
        self._policy.check(path, is_folder=True)
        place = self._goal(path, is_folder=True)
        if place.area is not Area.FILES:
            self._aside.require_parent(path)
            if place.area is Area.STAGING:
                self._aside.require_room(0)
        return shown(self._tree.make_folder(place, when=self._judge.settled(when, path, place)))

    def copy(
        self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING, deep: bool = True
    ) -> Written:
        if is_attic(source):
            return self._copy_out(source, target, when)
        entry = self._tree.stat(self._place(source))
        goal = self._arrival(entry, target, every_member=deep)
        if goal.area is Area.FILES:
            self._judge.twin(target)
        written = self._tree.copy(entry.path, goal, when=self._judge.settled(when, target, goal), deep=deep)
        self._settle(written, goal)
        if entry.is_folder and deep and entry.path.area is goal.area is Area.FILES:
            self._aside.copy_mirror(source, target)
        return _as_shown(written)

    def move(self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING) -> Written:
        if is_attic(source):
            return self._move_out(source, target, when)
        entry = self._tree.stat(self._place(source))
        goal = self._arrival(entry, target, every_member=False)
        self._judge.not_hiding(entry, goal)
        if goal.area is Area.STAGING and entry.path.area is Area.FILES:
            self._aside.park(entry)
        written = self._tree.move(
            entry.path, goal, when=self._judge.settled(when, target, goal, renamed=source)
        )
        self._settle(written, goal)
        if goal.area is Area.FILES and entry.path.area is Area.STAGING:
            self._aside.published(entry.id)
        if entry.is_folder and entry.path.area is goal.area is Area.FILES:
            self._aside.carry_mirrors(source, target)
        return _as_shown(written)

    def delete(self, path: FilePath, *, when: Condition = ANYTHING) -> Trashed | None:
        if is_attic(path):
            self._attic.purge(path)
            return None
        place = self._place(path)
        if place.area is not Area.FILES:
            entry = self._tree.stat(place)
            _require(when, shown(entry))
            return self._aside.discard(entry)
        trashed = self._tree.delete(path, when=when)
        if trashed is None or trashed.entry.is_folder:
            self._aside.drop_mirrors(path, trashed)
        return trashed

    def set_modified(self, path: FilePath, modified: int) -> Entry:
        _refuse_attic(path)
        return shown(self._tree.set_modified(self._place(path), modified))

    def checksums(self, path: FilePath) -> Mapping[str, str]:
        return {} if is_attic(path) else self._tree.checksums(self._place(path))

    def usage(self) -> Usage:
        return self._tree.usage()

    def refuse_placeholder(self, path: FilePath) -> None:
        """Remember that the content of `path` was refused, if all there is of it is a new, empty file.

        Explorer, Finder and davfs2 make an empty file, lock it and only then send the content.
        """
        entry = self._aside.find(self._place(path))
        if entry is None or entry.is_folder or entry.size or self._is_old(entry):
            return
        try:
            self._refused.set(entry.id, f"{entry.etag}\n{int(self._clock())}\n{path}")
        except (QuotaExceeded, Full):  # no room for a note either: it cannot wait for its lock to go
            self.delete(path)

    def forget_placeholder(self, path: FilePath) -> bool:
        """Remove the empty file at `path` if its content was refused: called when its lock goes."""
        entry = self._aside.find(self._place(path))
        if entry is None or entry.is_folder or entry.size:
            return False
        if (self._refused.get(entry.id) or "").partition("\n")[0] != entry.etag:
            return False
        self._refused.drop(entry.id)
        self.delete(path)
        return True

    def sweep(self, now: int) -> None:
        """Maintenance at `now` (seconds since the epoch), safe at any time, in one process after the other.

        What has waited too long in staging goes to the trash; empty files whose content was refused and
        whose lock never came back go; marks of open documents and attributes without a document go.
        """
        self._clearing.sweep(now)
        self._aside.forget_purged()
        for file_id in self._refused:
            _, since, place = (self._refused.get(file_id) or "\n0\n/").split("\n")
            if now - int(since) >= self._aside.limits.age:
                self.forget_placeholder(FilePath.parse(place))
                self._refused.drop(file_id)

    def trash(self) -> Iterator[Trashed]:
        return self._tree.trash()

    def restore(self, trash_id: str, target: FilePath | None = None) -> Written:
        trashed = next((trashed for trashed in self._tree.trash() if trashed.id == trash_id), None)
        if trashed is None:
            raise NotFound("There is nothing here")
        if target is None or target == trashed.origin:
            target = trashed.origin
        else:
            self._judge.restored(trashed, target)
        goal = self._goal(target, is_folder=trashed.entry.is_folder)
        if goal.area is Area.FILES:
            self._judge.twin(target)
        else:  # what was never finished waits again
            self._aside.require_parent(target)
        written = self._tree.restore(trash_id, goal)
        if written.entry.is_folder and goal.area is Area.FILES:
            self._aside.restored(trash_id, target)
        return _as_shown(written)

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

    def _role(self, path: FilePath) -> Role:
        """Of a file to be written. Raises Refused, IsAFolder."""
        try:
            return self._policy.check(path)
        except Refused:
            present = self._aside.find(path)
            if present is not None and present.is_folder:  # whose name need not be a file's
                raise IsAFolder("A folder is here; a file cannot take its place") from None
            raise

    def _place(self, path: FilePath) -> FilePath:
        return path if self._policy.area(path) is Area.FILES else self._aside.place(path)

    def _is_old(self, entry: Entry) -> bool:
        """Whether an entry was there before any lock of today, and so is no program's placeholder."""
        return self._clock() - entry.created / 1_000_000_000 > self._aside.limits.age

    def _goal(self, path: FilePath, *, is_folder: bool) -> FilePath:
        """Where something new at `path` belongs; what is there already, even out of place, is replaced."""
        area = AREAS.get(self._policy.classify(path, is_folder=is_folder), Area.FILES)
        if area is Area.FILES or self._aside.find(path) is not None:
            return path
        return path.in_area(area)

    def _admitted(self, path: FilePath, place: FilePath, body: Body) -> Body:
        """`body` as it may be stored at `place`. Raises before the first byte is read."""
        if place.area is not Area.FILES:
            self._aside.require_parent(path)
            self._aside.make_way(place)
            return self._aside.bounded(place, body)
        if body.length is None or body.length > _AT_HAND:
            self._judge.twin(path)
        return self._judge.body(path, body)

    def _arrival(self, entry: Entry, target: FilePath, *, every_member: bool) -> FilePath:
        """The place of `entry` after COPY or MOVE to `target`. Raises Refused, ParentMissing."""
        self._policy.check(target, is_folder=entry.is_folder)
        goal = self._goal(target, is_folder=entry.is_folder)
        if goal.area is Area.FILES:
            self._judge.arriving(entry, target, every_member=every_member)
        else:
            self._aside.require_parent(target)
            if goal.area is Area.STAGING and entry.path.area is not Area.STAGING:
                self._aside.require_room(entry.size)
            self._aside.make_way(goal)
        return goal

    def _settle(self, written: Written, goal: FilePath) -> None:
        """After something came to `goal`: what was beside a folder that it replaced is gone."""
        if goal.area is Area.FILES and written.entry.is_folder and not written.created:
            self._aside.drop_mirrors(goal)

    def _copy_out(self, source: FilePath, target: FilePath, when: Condition) -> Written:
        """Restore a copy of what the trash or the versions hold."""
        entry = self._attic.stat(source)
        if entry.is_folder:
            return self._copy_folder_out(source, target, when)
        with self._attic.open(source) as content:
            return self.write(target, ContentBody(content), when=when, metadata=Metadata(entry.modified))

    def _copy_folder_out(self, source: FilePath, target: FilePath, when: Condition) -> Written:
        if len(source.parts) < 3 or source.parts[1] != "trash":
            raise Refused("Only what is in the trash can be copied out as a folder", rule="name")
        self._policy.check(target, is_folder=True)
        present = self._aside.find(target)
        _require(when, present)
        if present is not None:
            self.delete(target)
        made = self.make_folder(target)
        for member in self._attic.list(source):
            self._copy_out(member.path, target / member.path.name, ANYTHING)
        return Written(made, present is None)

    def _move_out(self, source: FilePath, target: FilePath, when: Condition) -> Written:
        """Restore from the trash, or a version; what is at `target` goes to the trash or becomes a version."""
        if source.parts[1:2] == ("versions",) and not self._attic.stat(source).is_folder:
            written = self._copy_out(source, target, when)
            self._attic.purge(source)
            return written
        if len(source.parts) != 3 or source.parts[1] != "trash":
            raise Refused("Only a whole entry of the trash can be moved out; copy what is in it", rule="name")
        trashed = self._attic.trashed(source.name)
        self._judge.restored(trashed, target)
        present = self._aside.find(target)
        _require(when, present)
        if present is not None:
            self.delete(target)
        written = self.restore(trashed.id, target)
        return Written(written.entry, present is None)


def _merged(documents: Iterator[Entry], beside: list[Entry]) -> Iterator[Entry]:
    names = {entry.path.name for entry in beside}
    yield from (entry for entry in documents if entry.path.name not in names)
    yield from beside


def _refuse_attic(path: FilePath) -> None:
    if is_attic(path):
        raise Refused("Nothing can be changed here", rule="name")


def _as_shown(written: Written) -> Written:
    entry = written.entry
    return written if entry.path.area is Area.FILES else Written(shown(entry), written.created)


def _require(when: Condition, present: Entry | None) -> None:
    if when.absent and present is not None:
        raise ConditionFailed("Something is already there")
    when.holds(present)
