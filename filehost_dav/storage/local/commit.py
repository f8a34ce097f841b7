"""The commits: what happens while the user's lock is held, and nothing else.

Each looks again at what is there, asks the condition, keeps what would be lost, and renames. A kill
between two renames leaves the old thing in the trash or among the versions, never half of anything.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Mapping

from filehost_dav.errors import ConditionFailed, Exists, IsAFolder
from filehost_dav.paths import Area
from filehost_dav.storage.local.disk import Disk, Found, Spot
from filehost_dav.storage.local.faults import no_parent
from filehost_dav.storage.local.folders import Folder, remove_tree, size_below
from filehost_dav.storage.local.kernel import claim
from filehost_dav.storage.local.late import LateChecksums
from filehost_dav.storage.local.ledger import Account
from filehost_dav.storage.local.receiving import Received
from filehost_dav.storage.local.record import Record, write_record
from filehost_dav.storage.local.room import Reservation, Room
from filehost_dav.storage.local.status import Status, marked_time, unmarked_time
from filehost_dav.storage.local.trash import Item, Trash, doomed_name
from filehost_dav.storage.local.versions import Versions
from filehost_dav.storage.tree import Condition, Trashed, Written


class Committer:
    """Changes one user's files. Spots are opened by the caller; all methods raise OSError too."""

    def __init__(self, disk: Disk, trash: Trash, versions: Versions, room: Room, late: LateChecksums) -> None:
        self._disk = disk
        self._trash = trash
        self._versions = versions
        self._room = room
        self._late = late

    def may_replace(self, spot: Spot, when: Condition) -> Found | None:
        """What is at `spot` before anything is prepared; the commit asks again. Raises ConditionFailed."""
        present = spot.look_for_place()
        _check(when, present)
        return present

    def may_write(self, spot: Spot, when: Condition) -> Found | None:
        """The same for a body, which never replaces a folder. Raises IsAFolder."""
        present = spot.look_for_place()
        if present is not None and present.status.is_folder:
            raise IsAFolder("This is a folder")
        _check(when, present)
        return present

    def publish(
        self,
        spot: Spot,
        received: Received,
        expected: Found | None,
        when: Condition,
        reservation: Reservation,
        *,
        modified: int | None = None,
        over_folder: bool = False,
    ) -> Written:
        """Let a temporary file become the file at `spot`, where `expected` was before; it gets closed."""
        try:
            dressed = self._finished(spot, received, expected, modified)
            with self._disk.ledger.locked() as account:
                present = self._present(spot, when, over_folder=over_folder)
                if _inode(present) != _inode(expected):
                    dressed = self._dressed_again(spot, received, present, modified)
                self._put_file(account, spot, received.name, dressed.status.size, present, reservation)
                crowded = self._room.keep_within(account)
        except BaseException:
            remove_tree(spot.folder, received.name)
            raise
        self._finish(spot, crowded=crowded)
        if not received.sums:
            self._late.add(self._disk, spot)
        return Written(dressed.as_entry(), present is None)

    def publish_folder(
        self, spot: Spot, name: str, size: int, when: Condition, reservation: Reservation
    ) -> Written:
        """Let a prepared folder beside `spot`, with `size` bytes below, take its place."""
        with self._disk.ledger.locked() as account:
            present = self._present(spot, when, over_folder=True)
            reservation.release_within(account)
            self._room.admit(account, size)
            self._bring_in(account, spot.folder, name, spot, present)
            account.used += size
            crowded = self._room.keep_within(account)
            found = spot.find()
        self._finish(spot, crowded=crowded)
        return Written(found.as_entry(), present is None)

    def move(self, origin: Spot, spot: Spot, when: Condition) -> Written:
        with self._disk.ledger.locked() as account:
            moving = origin.find()
            present = self._present(spot, when, over_folder=True)
            if present is not None and moving.status.inode == present.status.inode:
                _rename_onto_itself(account, origin, spot, present)
            elif present is None or moving.status.is_folder or present.status.is_folder:
                self._bring_in(account, origin.folder, origin.name, spot, present)
            else:
                moving = self._move_over(account, origin, moving, spot, present)
            crowded = self._room.keep_within(account)
        self._finish(spot, crowded=crowded)
        if self._disk.rules.syncs_all:
            origin.folder.sync()
        return Written(moving.at(spot.path).as_entry(), present is None)

    def delete(self, spot: Spot, when: Condition) -> Trashed | None:
        with self._disk.ledger.locked() as account:
            present = spot.find()
            _check(when, present)
            trashed = self._remove(account, spot, present)
        self._finish(spot, crowded=trashed is None and present.status.is_folder)
        return trashed

    def restore(self, item: Item, spot: Spot) -> Written:
        with self._disk.ledger.locked() as account:
            if not spot.stands():
                raise no_parent()
            if spot.look_for_place() is not None:
                raise Exists(f"There is already something at this place; {_free_name(spot)} is free")
            self._trash.measure(account)
            item = self._trash.find(item.name)
            self._room.admit(account, item.size or 0)
            self._take_back(account, item, spot)
            found = spot.find()
        self._finish(spot, crowded=False)
        return Written(found.as_entry(), created=True)

    def restore_version(self, spot: Spot, version_id: str) -> Written:
        """The version leaves the versions, and today's content takes its place among them."""
        with self._disk.ledger.locked() as account:
            present = spot.find()
            version = self._versions.find(present, version_id)
            with self._versions.spot(version, spot.path) as earlier:
                found = earlier.find()
                self._inherit(earlier, found, present)
                self._room.admit(account, found.status.size - present.status.size)
                self._keep(account, spot, present)
                earlier.folder.rename(earlier.name, spot.folder, spot.name)
            account.used -= present.status.size
            account.kept -= found.status.size
            found = spot.find()
        self._finish(spot, crowded=False)
        return Written(found.as_entry(), created=False)

    def _present(self, spot: Spot, when: Condition, *, over_folder: bool) -> Found | None:
        if not spot.stands():
            raise no_parent()
        spot.name = self._disk.on_disk(spot.folder, spot.path.name)
        present = spot.look_for_place()
        if present is not None and present.status.is_folder and not over_folder:
            raise IsAFolder("This is a folder")
        _check(when, present)
        if present is None:
            when.new()
        return present

    def _finished(self, spot: Spot, received: Received, expected: Found | None, modified: int | None) -> Found:
        """Make the temporary file all that it is to be, and close it: Windows renames no open file."""
        try:
            dressed = _dress(spot, received.file, received, expected, modified)
            if self._disk.rules.syncs_data:
                _sync(received.file)
            elif expected is not None and not expected.status.size and dressed.status.size:
                # Before it renames over a file, ext4 writes the new one out, so that a power failure does not
                # take both. Over a program's empty placeholder that guards nothing: with room there is no need.
                claim(received.file, dressed.status.size)
            return dressed
        finally:
            os.close(received.file)

    def _dressed_again(
        self, spot: Spot, received: Received, present: Found | None, modified: int | None
    ) -> Found:
        """The same when another file came to the target meanwhile."""
        file = spot.folder.open_file(received.name)
        try:
            return _dress(spot, file, received, present, modified)
        finally:
            os.close(file)

    def _put_file(
        self,
        account: Account,
        spot: Spot,
        name: str,
        size: int,
        present: Found | None,
        reservation: Reservation,
    ) -> None:
        reservation.release_within(account)
        if present is None or present.status.is_folder:
            self._room.admit(account, size)
            self._bring_in(account, spot.folder, name, spot, present)
        else:
            self._room.admit(account, size - present.status.size)
            self._keep(account, spot, present)
            spot.folder.rename(name, spot.folder, spot.name)
            account.used -= present.status.size
        account.used += size

    def _bring_in(self, account: Account, origin: Folder, name: str, spot: Spot, present: Found | None) -> None:
        """Rename to `spot`, from where what is there goes away first. A rename that fails changes nothing."""
        trashed = None if present is None else self._remove(account, spot, present)
        try:
            origin.rename_new(name, spot.folder, spot.name)
        except OSError:
            if trashed is not None:
                self._take_back(account, self._trash.find(trashed.id), spot)
            raise

    def _take_back(self, account: Account, item: Item, spot: Spot) -> None:
        with self._trash.spot(item) as trashed:
            trashed.folder.rename_new(trashed.name, spot.folder, spot.name)
        self._trash.took_back(account, item)

    def _keep(self, account: Account, spot: Spot, present: Found) -> None:
        """Make a version of what is about to be replaced, where it is worth one."""
        if spot.path.area is Area.FILES and present.status.size and self._disk.rules.keeps:
            self._versions.keep(account, spot, present)

    def _move_over(self, account: Account, origin: Spot, moving: Found, spot: Spot, present: Found) -> Found:
        """Rename over the file that is there; what is there now."""
        self._inherit(origin, moving, present)
        self._keep(account, spot, present)
        origin.folder.rename(origin.name, spot.folder, spot.name)
        account.used -= present.status.size
        return spot.find()

    def _inherit(self, heir: Spot, found: Found, present: Found) -> None:
        """Let the versions of `present` be those of the file that is about to replace it.

        What comes from staging is a new content of the same file, and gets its id as well; a file that
        was a file of its own before keeps its own.
        """
        merged = found.record.about(found.status, modified=marked_time(found.status.modified))
        if found.path.area is Area.FILES and found.path != present.path:
            own, *branches = (*found.lineage, *present.lineage)
        else:
            own, *branches = present.lineage
        merged = merged._replace(id=own, lineage=_distinct(branches))
        file = heir.folder.open_file(heir.name)
        try:
            if write_record(file, merged):
                heir.folder.set_modified(heir.name, merged.modified)
        finally:
            os.close(file)

    def _remove(self, account: Account, spot: Spot, present: Found) -> Trashed | None:
        """Take what is at `spot` away: into the trash where it is worth keeping."""
        if spot.path.area is Area.SIDE or not self._disk.rules.keeps:
            self._doom(account, spot, present)
            return None
        if present.status.is_folder:
            if _remove_empty(spot):
                return None
        elif present.status.size == 0:
            spot.folder.remove_file(spot.name)
            return None
        return self._trash.put(account, spot, present)

    def _doom(self, account: Account, spot: Spot, present: Found) -> None:
        if not present.status.is_folder:
            spot.folder.remove_file(spot.name)
            account.used -= present.status.size
            return
        with spot.folder.folder(spot.name) as folder:
            size = size_below(folder)
        with self._disk.corner("trash") as trash:
            spot.folder.rename_new(spot.name, trash, doomed_name())
        account.used -= size

    def _finish(self, spot: Spot, *, crowded: bool) -> None:
        if self._disk.rules.syncs_data:
            spot.folder.sync()
        if crowded:
            self._trash.clear()


def _check(when: Condition, present: Found | None) -> None:
    if when.absent and present is not None:
        raise ConditionFailed("Something is already there")
    when.holds(None if present is None else present.as_entry())


def _dress(spot: Spot, file: int, received: Received, present: Found | None, modified: int | None) -> Found:
    """Give a temporary file its time and its record, which the one that it replaces has part in."""
    status = spot.folder.status(received.name)
    if status is None:
        raise no_parent()
    if present is None or present.status.is_folder:
        if modified is not None:
            status = status._replace(modified=unmarked_time(modified))
        record = Record(size=status.size, modified=status.modified, sums=received.sums)
    else:
        status = status._replace(modified=marked_time(status.modified if modified is None else modified))
        record = _successor(status, received.sums, present)
    if record.sums or record.id:
        write_record(file, record)
    if modified is not None or record.id:
        spot.folder.set_modified(received.name, status.modified)
    return Found(spot.path, status, record)


def _inode(found: Found | None) -> int | None:
    return None if found is None else found.status.inode


def _successor(status: Status, sums: Mapping[str, str], present: Found) -> Record:
    own, *branches = present.lineage
    return Record(
        id=own,
        lineage=tuple(branches),
        size=status.size,
        modified=status.modified,
        etag=f"{status.inode:x}-{secrets.token_hex(8)}",
        sums=sums,
    )


def _distinct(lineage: Iterable[str]) -> tuple[str, ...]:
    most = 8  # a record must stay small; the oldest branches of a file's history are forgotten
    return tuple(dict.fromkeys(lineage))[:most]


def _rename_onto_itself(account: Account, origin: Spot, spot: Spot, present: Found) -> None:
    """Rename between two names of one file: by case on a disk that ignores it, or by a hard link."""
    origin.folder.rename(origin.name, spot.folder, spot.name)
    if origin.name in origin.folder.names() and not present.status.is_folder:
        # Two links of one file: renaming one onto the other does nothing.
        origin.folder.remove_file(origin.name)
        account.used -= present.status.size


def _remove_empty(spot: Spot) -> bool:
    try:
        spot.folder.remove_folder(spot.name)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _free_name(spot: Spot) -> str:
    stem, dot, extension = spot.path.name.rpartition(".")
    if not stem:
        stem, dot, extension = spot.path.name, "", ""
    number = 1
    while True:
        suffix = " (restored)" if number == 1 else f" (restored {number})"
        name = f"{stem}{suffix}{dot}{extension}"
        if spot.folder.status(name) is None:
            return name
        number += 1


def _sync(file: int) -> None:
    if hasattr(os, "fdatasync"):
        os.fdatasync(file)
    else:
        os.fsync(file)
