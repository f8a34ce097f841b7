"""Earlier contents of one user's files.

A version is a second name given to the old content just before a new one takes its place: no byte is
copied. It is kept under the id of its file, which stays the same through renames and overwriting, so
that versions follow a file without being moved. The name on disk also tells when it was replaced and
what it was called. All methods that take an account need the user's lock.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

from filehost_dav.paths import LONGEST_NAME, FilePath
from filehost_dav.storage.local.content import LocalContent, content_of
from filehost_dav.storage.local.copying import copy_bytes
from filehost_dav.storage.local.disk import VERSIONS, Disk, Found, Spot
from filehost_dav.storage.local.faults import nothing_here
from filehost_dav.storage.local.folders import Folder, make_folders
from filehost_dav.storage.local.ledger import Account
from filehost_dav.storage.local.record import write_record
from filehost_dav.storage.local.status import Status
from filehost_dav.storage.tree import Version

_NAME = re.compile(r"(\d{19})\.([0-9a-f-]+)\.(.+)", re.DOTALL)
# A file system without links, a file of another owner, too many links: then the bytes are copied.
_UNLINKABLE = (errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)
_ID = re.compile(r"\d{19}\.[0-9a-f-]+")


class Kept(NamedTuple):
    """A version on disk: its bucket and name there, when it was replaced (ns), and whose it is."""

    bucket: str
    name: str
    replaced: int
    lineage: str

    @property
    def id(self) -> str:
        return f"{self.replaced:019d}.{self.lineage}"


class Versions:
    """One user's versions."""

    def __init__(self, disk: Disk, *, follow_records: bool) -> None:
        """`follow_records`: files keep records, so versions go by id; else by path, until a rename."""
        self._disk = disk
        self._follow_records = follow_records

    def keep(self, account: Account, spot: Spot, found: Found) -> None:
        """Keep the content that is about to be replaced. Raises OSError."""
        lineage = self._lineages(found)[0]
        bucket = _bucket(lineage)
        # Never before the content itself was born: a clock set back must not put the newest version last.
        moment = max(self._disk.rules.clock(), found.status.born + 1)
        place = f"{VERSIONS}/{self._disk.user}/{bucket}"
        while True:
            name = _name(moment, lineage, found.path.name)
            try:
                self._link(spot, found, place, name)
            except FileExistsError:
                moment += 1
            else:
                break
        if self._disk.rules.syncs_all:
            with self._disk.root.folder(place) as folder:
                folder.sync()
        account.used += found.status.size
        account.kept += found.status.size

    def of(self, found: Found) -> Iterator[Version]:
        """The versions of a file, the newest first. Raises OSError."""
        lineages = self._lineages(found)
        kept = [version for lineage in lineages for version in self._under(lineage)]
        for version in sorted(kept, key=lambda one: one.replaced, reverse=True):
            described = self._describe(version, found)
            if described is not None:
                yield described

    def find(self, found: Found, version_id: str) -> Kept:
        """Raises NotFound, OSError."""
        if _ID.fullmatch(version_id):
            lineage = version_id.partition(".")[2]
            if lineage in self._lineages(found):
                for version in self._under(lineage):
                    if version.id == version_id:
                        return version
        raise nothing_here()

    def spot(self, version: Kept, path: FilePath) -> Spot:
        """Where a version lies. Raises OSError."""
        folder = self._disk.root.folder(f"{VERSIONS}/{self._disk.user}/{version.bucket}")
        return Spot(self._disk.root, "", folder, version.name, path)

    def open(self, version: Kept, path: FilePath) -> LocalContent:
        """Raises OSError."""
        with self.spot(version, path) as spot:
            return content_of(path, spot.folder.open_file(version.name))

    def all(self) -> list[Kept]:
        """Every version of the user, the oldest first. Raises OSError."""
        with self._disk.corner(VERSIONS) as versions:
            return sorted(
                (version for bucket in versions.names() for version in _in_bucket(versions, bucket)),
                key=lambda one: one.replaced,
            )

    def date(self, version: Kept, replaced: int) -> None:
        """Give a version another time, and so another name; needs the lock. Raises OSError."""
        _, lineage, name = version.name.split(".", 2)
        with self._disk.root.folder(f"{VERSIONS}/{self._disk.user}/{version.bucket}") as folder:
            while True:
                try:
                    folder.rename_new(version.name, folder, _name(replaced, lineage, name))
                except FileExistsError:
                    replaced += 1
                else:
                    return

    def drop(self, account: Account, version: Kept) -> int:
        """Remove a version for good; the bytes it gives back. Raises OSError."""
        with self.spot(version, FilePath.root()) as spot:
            status = spot.folder.status(version.name)
            if status is None:
                return 0
            spot.folder.remove_file(version.name)
        account.used -= status.size
        account.kept -= status.size
        return status.size

    def drop_all(self, account: Account, lineages: Set[str]) -> None:
        """Remove all versions of some files for good. Raises OSError."""
        for version in self.all():
            if version.lineage in lineages:
                self.drop(account, version)

    def size(self, version: Kept) -> int:
        """Bytes; 0 when it is gone. Raises OSError."""
        status = self._status(version)
        return 0 if status is None else status.size

    def inode(self, version: Kept) -> int:
        """The number of its file on the disk; 0 when it is gone. Raises OSError."""
        status = self._status(version)
        return 0 if status is None else status.inode

    def _status(self, version: Kept) -> Status | None:
        return self._disk.root.status(f"{VERSIONS}/{self._disk.user}/{version.bucket}/{version.name}")

    def _link(self, spot: Spot, found: Found, place: str, name: str) -> None:
        """Give the file at `spot` a second name; raises FileExistsError when that is taken."""
        root, relative = self._disk.root, f"{place}/{name}"
        try:
            try:
                spot.folder.link(spot.name, root, relative)
            except FileNotFoundError:
                make_folders(root, place)
                spot.folder.link(spot.name, root, relative)
        except OSError as error:
            if error.errno not in _UNLINKABLE:
                raise
            make_folders(root, place)
            self._copy(spot, found, place, name)

    def _copy(self, spot: Spot, found: Found, place: str, name: str) -> None:
        original = spot.folder.open_file(spot.name)
        try:
            with self._disk.root.folder(place) as folder:
                temporary = self._disk.temporary()
                copied = folder.create(temporary)
                try:
                    copy_bytes(original, copied)
                    write_record(copied, found.record)
                finally:
                    os.close(copied)
                folder.set_modified(temporary, found.status.modified)
                folder.rename_new(temporary, folder, name)
        finally:
            os.close(original)

    def _lineages(self, found: Found) -> tuple[str, ...]:
        if self._follow_records:
            return found.lineage
        return (hashlib.sha256(str(found.path).encode()).hexdigest()[:24],)

    def _under(self, lineage: str) -> Iterable[Kept]:
        with self._disk.corner(VERSIONS) as versions:
            return [kept for kept in _in_bucket(versions, _bucket(lineage)) if kept.lineage == lineage]

    def _describe(self, version: Kept, found: Found) -> Version | None:
        with self.spot(version, found.path) as spot:
            status = spot.folder.status(version.name)
            # A kill between keeping and replacing leaves a version that is the present content itself.
            if status is None or status.inode == found.status.inode:
                return None
            etag = spot.record().etag_of(status)
        return Version(version.id, found.path, version.replaced, status.size, status.modified, etag)


def thinned(versions: Iterable[Kept], *, now: int, all_for: int, daily_for: int | None) -> Iterator[Kept]:
    """Those to give up, of versions given the oldest first: older than `all_for` and not the last of
    their day, or older than `daily_for`. Times in nanoseconds.
    """
    day = 86_400 * 1_000_000_000
    last: dict[tuple[str, int], Kept] = {}
    aged = [version for version in versions if now - version.replaced > all_for]
    for version in aged:
        last[version.lineage, version.replaced // day] = version
    for version in aged:
        outlived = daily_for is not None and now - version.replaced > daily_for
        if outlived or last[version.lineage, version.replaced // day] is not version:
            yield version


def _name(moment: int, lineage: str, name: str) -> str:
    head = f"{moment:019d}.{lineage}."
    return head + name.encode()[-(LONGEST_NAME - len(head)) :].decode("utf-8", "ignore")


def _bucket(lineage: str) -> str:
    """Two hex digits: some hundred folders, so that none of them grows long."""
    return hashlib.blake2b(lineage.encode(), digest_size=1).hexdigest()


def _in_bucket(versions: Folder, bucket: str) -> list[Kept]:
    try:
        with versions.folder(bucket) as folder:
            names = folder.names()
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [Kept(bucket, name, int(match[1]), match[2]) for name in names if (match := _NAME.fullmatch(name))]
