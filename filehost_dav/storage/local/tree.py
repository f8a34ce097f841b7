"""LocalTree: the contract of `storage.tree` on plain files.

Every change is prepared under a name of ours beside its target, then committed by one rename while the
user's lock is held: all processes' commits for one user happen one after the other, so that a condition
holds at the very moment of the change. Reading takes no lock.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping

from filehost_dav.errors import Exists, FilehostError, IntoItself, Refused
from filehost_dav.paths import FilePath
from filehost_dav.storage.local.commit import Committer
from filehost_dav.storage.local.content import LocalContent, content_of
from filehost_dav.storage.local.copying import copy_file, copy_tree, size_of
from filehost_dav.storage.local.disk import Disk, Found, Spot
from filehost_dav.storage.local.faults import Placing, Translated, no_parent
from filehost_dav.storage.local.folders import Folder, remove_tree
from filehost_dav.storage.local.kernel import status_of
from filehost_dav.storage.local.late import LateChecksums
from filehost_dav.storage.local.receiving import Received, Upload
from filehost_dav.storage.local.record import read_record, write_record
from filehost_dav.storage.local.room import Reservation, Room
from filehost_dav.storage.local.scanning import LocalScan
from filehost_dav.storage.local.status import marked_time
from filehost_dav.storage.local.trash import Trash
from filehost_dav.storage.local.versions import Versions
from filehost_dav.storage.local.watch import Watches
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


class LocalTree:
    """One user's files."""

    def __init__(
        self, disk: Disk, late: LateChecksums, *, follow_records: bool, watches: Watches | None = None
    ) -> None:
        """`late` makes checksums afterwards; `watches` tell whether a folder has changed since it was last
        listed (None: nothing does); `follow_records`: files of this disk can have records.
        """
        self.disk = disk
        self._watches = watches
        self.trash_can = Trash(disk)
        self.version_store = Versions(disk, follow_records=follow_records)
        self._room = Room(disk, self.trash_can, self.version_store)
        self._committer = Committer(disk, self.trash_can, self.version_store, self._room, late)

    def stat(self, path: FilePath) -> Entry:
        with Translated():
            return self.disk.found(path).as_entry()

    def list(self, folder: FilePath) -> Iterator[Entry]:
        with Translated():
            opened = self.disk.folder(folder)
        return self._entries(opened, folder)

    def scan(self, folder: FilePath) -> Scan | None:
        with Translated():
            return LocalScan(self.disk, folder)

    def generation(self, folder: FilePath) -> Hashable | None:
        if self._watches is None:
            return None
        try:
            with self.disk.folder(folder) as opened:
                return self._watches.generation(opened)
        except OSError:
            return None

    def twin(self, path: FilePath) -> str | None:
        try:
            return self.disk.twin(path)
        except (FilehostError, OSError):
            return None

    def open(self, path: FilePath) -> LocalContent:
        with Translated():
            return content_of(path, self.disk.open_file(path))

    def write(
        self, path: FilePath, body: Body, *, when: Condition = ANYTHING, metadata: Metadata = NO_METADATA
    ) -> Written:
        with Placing(), self.disk.target(path) as spot:
            present = self._committer.may_write(spot, when)
            reservation = Reservation(self._room, replaces=0 if present is None else present.status.size)
            try:
                upload = Upload(body, metadata.checksums, reservation)
                received = upload.store(spot.folder, self.disk.temporary(), metadata.expected)
                return self._committer.publish(
                    spot, received, present, when, reservation, modified=metadata.modified
                )
            finally:
                reservation.release()

    def make_folder(self, path: FilePath, *, when: Condition = ANYTHING) -> Entry:
        with Placing(), self.disk.target(path) as spot:
            with self.disk.ledger.locked():
                if not spot.stands():
                    raise no_parent()
                if spot.look_for_place() is not None:
                    raise Exists("Something is already there")
                when.holds(None)
                when.new()
                spot.folder.make_folder(spot.name)
                made = spot.find()
            if self.disk.rules.syncs_all:
                spot.folder.sync()
        return made.as_entry()

    def copy(
        self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING, deep: bool = True
    ) -> Written:
        _refuse_overlap(source, target)
        with Translated(), self.disk.source(source) as origin, self.disk.target(target) as spot:
            found = origin.find()
            if not found.status.is_folder:
                return self._copy_file(origin, found, spot, when)
            return self._copy_folder(origin, found, spot, when, deep=deep)

    def move(self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING) -> Written:
        _refuse_overlap(source, target)
        with Translated(), self.disk.source(source) as origin, self.disk.target(target) as spot:
            return self._committer.move(origin, spot, when)

    def delete(self, path: FilePath, *, when: Condition = ANYTHING) -> Trashed | None:
        if path.is_root:
            raise Refused("The folder itself cannot be deleted", rule="root")
        with Translated(), self.disk.source(path) as spot:
            return self._committer.delete(spot, when)

    def set_modified(self, path: FilePath, modified: int) -> Entry:
        with Translated(), self.disk.source(path) as spot, self.disk.ledger.locked():
            found = spot.find()
            marked = marked_time(modified)
            record = found.record.about(found.status, modified=marked)
            file = spot.folder.open_file(spot.name)
            try:
                # The tag is recorded first: a kill in between leaves the old time, under its old tag.
                write_record(file, record)
            finally:
                os.close(file)
            spot.folder.set_modified(spot.name, marked)
            return Found(path, found.status._replace(modified=marked), record).as_entry()

    def checksums(self, path: FilePath) -> Mapping[str, str]:
        with self.open(path) as content, Translated():
            file = content.file
            return dict(read_record(file).sums_of(status_of(file)))

    def usage(self) -> Usage:
        with Translated():
            return self._room.usage()

    def trash(self) -> Iterator[Trashed]:
        with Translated(), self.disk.ledger.locked() as account:
            return iter(self.trash_can.listed(account))

    def restore(self, trash_id: str, target: FilePath | None = None) -> Written:
        with Translated():
            item = self.trash_can.find(trash_id)
            with self.disk.target(target or item.origin) as spot:
                return self._committer.restore(item, spot)

    def open_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> LocalContent:
        with Translated():
            return self.trash_can.open(trash_id, below)

    def list_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Iterator[Entry]:
        with Translated():
            return self.trash_can.members(trash_id, below)

    def purge(self, trash_id: str) -> None:
        with Translated():
            with self.disk.ledger.locked() as account:
                item = self.trash_can.find(trash_id)
                # Whoever purges a document means its earlier contents too, which nobody could reach any more.
                self.version_store.drop_all(account, self.trash_can.lineages(item))
                self.trash_can.doom(account, item)
                self.trash_can.tidy()
            self.trash_can.clear()

    def date_trashed(self, trash_id: str, deleted: int) -> None:
        with Translated(), self.disk.ledger.locked():
            self.trash_can.date(self.trash_can.find(trash_id), deleted)

    def versions(self, path: FilePath) -> Iterator[Version]:
        with Translated(), self.disk.source(path) as spot:
            return iter(list(self.version_store.of(spot.find())))

    def open_version(self, path: FilePath, version_id: str) -> LocalContent:
        with Translated(), self.disk.source(path) as spot:
            version = self.version_store.find(spot.find(), version_id)
            return self.version_store.open(version, path)

    def restore_version(self, path: FilePath, version_id: str) -> Written:
        with Translated(), self.disk.source(path) as spot:
            return self._committer.restore_version(spot, version_id)

    def purge_version(self, path: FilePath, version_id: str) -> None:
        with Translated(), self.disk.source(path) as spot, self.disk.ledger.locked() as account:
            version = self.version_store.find(spot.find(), version_id)
            self.version_store.drop(account, version)

    def date_version(self, path: FilePath, version_id: str, replaced: int) -> None:
        with Translated(), self.disk.source(path) as spot, self.disk.ledger.locked():
            self.version_store.date(self.version_store.find(spot.find(), version_id), replaced)

    def close(self) -> None:
        """Nothing is held between calls."""

    def _entries(self, opened: Folder, path: FilePath) -> Iterator[Entry]:
        with Translated(), opened:
            for found in self.disk.members(opened, path):
                yield found.as_entry()

    def _copy_file(self, origin: Spot, found: Found, spot: Spot, when: Condition) -> Written:
        present = self._committer.may_replace(spot, when)
        replaced = 0 if present is None or present.status.is_folder else present.status.size
        reservation = Reservation(self._room, replaces=replaced)
        name = self.disk.temporary()
        try:
            reservation.cover(found.status.size)
            file = copy_file(origin.folder, origin.name, spot.folder, name)
            received = Received(file, name, read_record(file).sums_of(status_of(file)))
            return self._committer.publish(spot, received, present, when, reservation, over_folder=True)
        except BaseException:
            remove_tree(spot.folder, name)
            raise
        finally:
            reservation.release()

    def _copy_folder(self, origin: Spot, found: Found, spot: Spot, when: Condition, *, deep: bool) -> Written:
        self._committer.may_replace(spot, when)
        reservation = Reservation(self._room, replaces=0)
        name = self.disk.temporary()
        try:
            if deep:
                reservation.cover(size_of(origin.folder, origin.name, found))
                size = copy_tree(origin.folder, origin.name, spot.folder, name)
            else:
                size = 0
                spot.folder.make_folder(name)
            if self.disk.rules.syncs_data:
                spot.folder.sync_disk()
            return self._committer.publish_folder(spot, name, size, when, reservation)
        except BaseException:
            remove_tree(spot.folder, name)
            raise
        finally:
            reservation.release()


def _refuse_overlap(source: FilePath, target: FilePath) -> None:
    if target.is_within(source):
        raise IntoItself("A folder cannot be put into itself")
    if source.is_within(target):
        raise IntoItself("A folder cannot be replaced by something that is in it")
