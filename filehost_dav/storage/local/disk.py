"""One user's corner of the disk: where each area lies, and how a path becomes an open folder and a name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from functools import partial

from filehost_dav.errors import IsAFolder, Refused
from filehost_dav.paths import Area, FilePath
from filehost_dav.storage.local.faults import no_parent, nothing_here
from filehost_dav.storage.local.folders import RESERVED, Folder, make_folders
from filehost_dav.storage.local.ledger import Ledger
from filehost_dav.storage.local.processes import own_mark
from filehost_dav.storage.local.record import NOTHING, Record, read_record
from filehost_dav.storage.local.rules import Rules
from filehost_dav.storage.local.spelling import Spellings, shown
from filehost_dav.storage.local.status import Status
from filehost_dav.storage.local.twins import Twins
from filehost_dav.storage.tree import Entry

LEDGERS = "ledger"
TRASH = "trash"
VERSIONS = "versions"
_OURS = f"/{RESERVED}"  # in a relative path
CORNERS = ("files", "side", "staging", TRASH, VERSIONS)


class Found:
    """What is at a place: its status, and its record where one is needed.

    `lineage` names the ids under which earlier versions of it are kept; its own comes first.
    """

    __slots__ = ("path", "record", "status")

    def __init__(self, path: FilePath, status: Status, record: Record = NOTHING) -> None:
        self.path = path
        self.status = status
        self.record = record

    @property
    def lineage(self) -> tuple[str, ...]:
        return self.record.lineage_of(self.status)

    def at(self, path: FilePath) -> Found:
        """The same after it was renamed."""
        return Found(path, self.status, self.record)

    def as_entry(self) -> Entry:
        status = self.status
        record = self.record if status.has_record else NOTHING
        is_folder = status.is_folder
        return Entry(
            self.path,
            is_folder,
            0 if is_folder else status.size,
            status.modified,
            status.created,
            record.etag_of(status),
            record.id_of(status),
        )


class Spot:
    """A place in an open folder: the folder, and the name on disk. Use it with `with`.

    `relative` is the folder's path below `root`; empty for a place that has none among the user's.
    """

    __slots__ = ("_blocked", "_relative", "_root", "_seen", "folder", "name", "path")

    def __init__(self, root: Folder, relative: str, folder: Folder, name: str, path: FilePath) -> None:
        self._root = root
        self._relative = relative
        self.folder = folder
        self.name = name
        self.path = path
        self._seen: Found | None = None
        self._blocked = False

    def look(self) -> Found | None:
        """What is here now; None for nothing, and for what can not be served."""
        status = self.folder.status(self.name)
        if status is None or not status.is_servable:
            self._blocked = status is not None
            return None
        if self._seen is None or self._seen.status != status:
            self._seen = Found(self.path, status, self.record() if status.has_record else NOTHING)
        return self._seen

    def look_closely(self) -> Found | None:
        """The same, with its record whether or not tag and id depend on it."""
        found = self.look()
        if found is not None and not found.status.has_record and found.record is NOTHING:
            found.record = self.record()
        return found

    def look_for_place(self) -> Found | None:
        """The same, where something is to be put. Raises Refused for a link, a pipe or a device."""
        found = self.look_closely()
        if found is None and self._blocked:
            raise Refused("Something that is no file or folder is in the way", rule="name")
        return found

    def find(self) -> Found:
        """What is here, with its record. Raises NotFound."""
        found = self.look_closely() if self.stands() else None
        if found is None:
            raise nothing_here()
        return found

    def record(self) -> Record:
        """The record of what is here."""
        try:
            file = self.folder.open_file(self.name)
        except OSError:
            return NOTHING
        try:
            return read_record(file)
        finally:
            os.close(file)

    def stands(self) -> bool:
        """Whether the open folder is still the one at its path: not moved or deleted since."""
        if not self._relative or len(self.path.parts) < 2:
            return True  # the user's own folder, or one of ours in trash and versions
        return self._root.inode_at(self._relative) == self.folder.inode()

    def __enter__(self) -> Spot:
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.close()


class Disk:
    """One user's folders below the root of the storage."""

    def __init__(self, root: Folder, user: str, rules: Rules, spellings: Spellings, twins: Twins) -> None:
        self.root = root
        self.user = user
        self.rules = rules
        self.ledger = Ledger(root, f"{LEDGERS}/{user}")
        self._spellings = spellings
        self._twins = twins
        self._bases = {area: f"{area.value}/{user}" for area in Area}

    def make(self) -> None:
        """Make the user's folders where they are missing."""
        for corner in CORNERS:
            make_folders(self.root, f"{corner}/{self.user}")
        make_folders(self.root, LEDGERS)

    def corner(self, name: str) -> Folder:
        """The user's folder of `name`, one of CORNERS."""
        return self.root.folder(f"{name}/{self.user}")

    def found(self, path: FilePath) -> Found:
        """What is at `path`, by the shortest way. Raises NotFound and OSError."""
        if len(path.parts) <= 1 and path.name.isascii():
            # The user's own folder is ours, never a link: its members need no resolving.
            relative = self._relative(path)
            status = self.root.status(relative)
            if status is None and path.is_root:
                self.make()
                status = self.root.status(relative)
            if status is None or not status.is_servable:
                raise nothing_here()
            return Found(path, status, self._record(relative) if status.has_record else NOTHING)
        glimpsed = self._glance(path)
        if glimpsed is not None:
            return glimpsed
        with self.source(path) as spot:
            found = spot.look()
        if found is None:
            raise nothing_here()
        return found

    def _glance(self, path: FilePath) -> Found | None:
        """What is at `path`, looked at from the root without a stop; None where that does not tell all."""
        relative = self._relative(path)
        if not relative.isascii():  # on the disk it may be spelled in another way
            return None
        try:
            status = self.root.status_below(relative)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise nothing_here() from error
        except OSError:
            return None
        if not status.is_servable:
            return None
        return Found(path, status, self._record(relative) if status.has_record else NOTHING)

    def folder(self, path: FilePath) -> Folder:
        """The folder at `path`, open for listing. Raises OSError."""
        return self.reach(self._bases[path.area], path.parts)[1]

    def source(self, path: FilePath) -> Spot:
        """The place of something that should be there. Raises NotFound, OSError."""
        try:
            return self._spot(path)
        except NotADirectoryError as error:
            raise nothing_here() from error

    def target(self, path: FilePath) -> Spot:
        """The place of something to be made; missing folders of side files and staging are made.

        Raises Refused, IsAFolder (for the root), ParentMissing, OSError.
        """
        if any(part.startswith(RESERVED) for part in path.parts):
            raise Refused("This name is not allowed here", rule="name")
        if path.is_root:
            raise IsAFolder("This is a folder")
        try:
            return self._spot(path)
        except NotADirectoryError as error:
            raise no_parent() from error
        except FileNotFoundError as error:
            if path.area is Area.FILES:
                raise no_parent() from error
        make_folders(self.root, self._relative(path.parent))
        return self._spot(path)

    def reach(self, base: str, parts: tuple[str, ...]) -> tuple[str, Folder]:
        """The folder `parts` below `base`, and its relative path on disk. Raises OSError."""
        relative = _joined(base, parts)
        try:
            return relative, self.root.folder(relative)
        except FileNotFoundError:
            if not parts:
                # Removed with its user, who has come back since, in another process.
                self.make()
                return relative, self.root.folder(relative)
            if relative.isascii():
                raise
            return self._walk(base, parts)

    def on_disk(self, folder: Folder, name: str) -> str:
        return self._spellings.on_disk(folder, name)

    def temporary(self) -> str:
        """A name of ours that nothing has; it says which process made it."""
        return f"{RESERVED}{own_mark()}.{secrets.token_hex(6)}"

    def open_file(self, path: FilePath) -> int:
        """A descriptor for reading of what is at `path`; check what it is. Raises OSError."""
        relative = self._relative(path)
        try:
            return self.root.open_file(relative)
        except NotADirectoryError as error:
            raise nothing_here() from error
        except FileNotFoundError:
            if relative.isascii():
                raise
        with self.source(path) as spot:
            return spot.folder.open_file(spot.name)

    def shown_members(self, folder: Folder) -> Iterator[tuple[str, str, Status]]:
        """Of all that a user sees in an open folder: the name, the name on disk, the status."""
        for name, status in folder.members():
            safe = shown(name)
            if safe == name or (safe is not None and not _is_second(folder, name, safe)):
                yield safe, name, status

    def quickly_shown_members(self, folder: Folder) -> Iterator[tuple[str, str, os.stat_result]]:
        """The same in less time, without the time of birth."""
        for name, status in folder.quick_members():
            safe = shown(name)
            if safe == name or (safe is not None and not _is_second(folder, name, safe)):
                yield safe, name, status

    def member(self, folder: Folder, name: str, path: FilePath, status: Status) -> Found:
        """What `shown_members` told of, with its record."""
        if not status.has_record:
            return Found(path, status)
        return Found(path, status, Spot(self.root, "", folder, name, path).record())

    def members(self, folder: Folder, path: FilePath) -> Iterator[Found]:
        """What a user sees in the open folder that is at `path`."""
        for safe, name, status in self.shown_members(folder):
            yield self.member(folder, name, FilePath((*path.parts, safe), path.area), status)

    def twin(self, path: FilePath) -> str | None:
        """The name beside `path` that differs by case alone. Raises OSError."""
        folder = path.parent
        inode = self.root.inode_at(self._relative(folder))
        if inode is not None:
            return self._twins.of(inode, partial(self.folder, folder), path.name)
        with self.folder(folder) as opened:  # its name on disk may be in another form
            return self._twins.of(opened.inode(), opened.again, path.name)

    def _spot(self, path: FilePath) -> Spot:
        if path.is_root:
            area = path.area.value
            return Spot(self.root, area, self.root.folder(area), self.user, path)
        if path.parts[-1].startswith(RESERVED):
            raise nothing_here()
        relative, folder = self.reach(self._bases[path.area], path.parts[:-1])
        return Spot(self.root, relative, folder, self.on_disk(folder, path.name), path)

    def _walk(self, base: str, parts: tuple[str, ...]) -> tuple[str, Folder]:
        relative, here = base, self.root.folder(base)
        for part in parts:
            with here:
                name = self.on_disk(here, part)
                below = here.folder(name)
            relative, here = f"{relative}/{name}", below
        return relative, here

    def _relative(self, path: FilePath) -> str:
        return _joined(self._bases[path.area], path.parts)

    def _record(self, relative: str) -> Record:
        try:
            file = self.root.open_file(relative)
        except OSError:
            return NOTHING
        try:
            return read_record(file)
        finally:
            os.close(file)


def _joined(base: str, parts: tuple[str, ...]) -> str:
    relative = "/".join((base, *parts))
    if _OURS in relative:
        raise nothing_here()
    return relative


def _is_second(folder: Folder, name: str, safe: str) -> bool:
    # Two forms of one name, made by hand: the composed one is served, `check` reports the other.
    if folder.status(safe) is not None:
        return True
    return any(shown(other) == safe for other in folder.names() if other < name and not other.isascii())
