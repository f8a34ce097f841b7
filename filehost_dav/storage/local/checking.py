"""What does not agree between disk, ledger and journal, found and mended. No document is ever deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from filehost_dav.storage.local.counting import count, recount_quietly
from filehost_dav.storage.local.disk import TRASH, VERSIONS, Disk
from filehost_dav.storage.local.folders import RESERVED, Folder, remove_tree
from filehost_dav.storage.local.spelling import shown
from filehost_dav.storage.local.status import Status
from filehost_dav.storage.local.sweeping import Orphan, orphans
from filehost_dav.storage.local.trash import DOOMED, Trash
from filehost_dav.storage.local.versions import Kept, Versions


class Finding(NamedTuple):
    """Something that is not as it should be. `place` is the user's own path, made printable.

    `kind` is one of: name, special, twin, unreadable, orphan, doomed, duplicate, usage.
    """

    kind: str
    user: str
    place: str
    message: str
    mended: bool = False


class Checker:
    """Looks through one user's corner. Raises OSError."""

    def __init__(self, disk: Disk, trash: Trash, versions: Versions) -> None:
        self._disk = disk
        self._trash = trash
        self._versions = versions

    def inspect(self) -> Iterator[Finding]:
        """Everything that is found, changing nothing."""
        yield from self._unservable()
        yield from (finding for finding, _ in self._orphans())
        yield from self._doomed()
        yield from (finding for finding, _ in self._duplicates())
        yield from self._usage()

    def repair(self) -> Iterator[Finding]:
        """The same, mending what can be mended without a person's decision."""
        yield from self._unservable()
        for finding, orphan in self._orphans():
            remove_tree(orphan.folder, orphan.name)
            yield finding._replace(mended=True)
        doomed = list(self._doomed())
        self._trash.clear()
        yield from (finding._replace(mended=True) for finding in doomed)
        for finding, version in list(self._duplicates()):
            with self._disk.ledger.locked() as account:
                self._versions.drop(account, version)
            yield finding._replace(mended=True)
        usage = list(self._usage())
        recount_quietly(self._disk, self._trash)
        yield from (finding._replace(mended=True) for finding in usage)

    def _finding(self, kind: str, place: str, message: str) -> Finding:
        return Finding(kind, self._disk.user, place, message)

    def _unservable(self) -> Iterator[Finding]:
        for corner in ("files", "side", "staging"):
            with self._disk.corner(corner) as folder:
                yield from self._unservable_below(folder, place_in(corner))

    def _unservable_below(self, folder: Folder, above: str) -> Iterator[Finding]:
        for name in sorted(folder.names()):
            if name.startswith(RESERVED):
                continue
            place = f"{above}/{printable(name)}"
            status = folder.status(name)
            if status is None:
                continue
            problem = self._problem(folder, name, status)
            if problem is not None:
                yield self._finding(problem[0], place, problem[1])
            elif status.is_folder:
                with folder.folder(name) as inner:
                    yield from self._unservable_below(inner, place)

    def _problem(self, folder: Folder, name: str, status: Status) -> tuple[str, str] | None:
        safe = shown(name)
        if not status.is_servable:
            return "special", "This is a link, a pipe or a device, and is not served"
        if safe is None:
            return "name", "No client can use this name; rename it on the disk"
        if safe != name and folder.status(safe) is not None:
            return "twin", "The same name stands beside it in another Unicode form; rename one on the disk"
        return None if _can_be_read(folder, name) else ("unreadable", "The server may not read this")

    def _orphans(self) -> Iterator[tuple[Finding, Orphan]]:
        message = "What is left of an upload or copy that was cut off"
        for corner in ("files", "side", "staging", TRASH, VERSIONS):
            with self._disk.corner(corner) as top:
                for orphan in orphans(top, self._disk.rules.clock()):
                    place = printable(f"{orphan.place}/{orphan.name}")
                    yield (
                        self._finding("orphan", place if corner == "files" else f"{corner}:{place}", message),
                        orphan,
                    )

    def _doomed(self) -> Iterator[Finding]:
        with self._disk.corner(TRASH) as folder:
            for name in folder.names():
                if name.startswith(DOOMED):
                    yield self._finding("doomed", name, "Purged from the trash, but still on the disk")

    def _duplicates(self) -> Iterator[tuple[Finding, Kept]]:
        live = set[int]()
        with self._disk.corner("files") as folder:
            _collect_linked(folder, live)
        for version in self._versions.all():
            if live and self._versions.inode(version) in live:
                message = "A version that is the present content itself"
                yield self._finding("duplicate", version.name, message), version

    def _usage(self) -> Iterator[Finding]:
        counted = count(self._disk)
        account = self._disk.ledger.glance()
        wrong = account.used - counted.live - counted.kept
        if wrong:
            message = f"The bytes in use are off by {wrong}; uploads and changes by hand move them meanwhile"
            yield self._finding("usage", "/", message)


def place_in(corner: str) -> str:
    """What a place in a corner begins with, for people; nothing in the one they see as their files."""
    return "" if corner == "files" else f"{corner}:"


def printable(name: str) -> str:
    """A name on disk as text for people, whatever bytes it has."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _can_be_read(folder: Folder, name: str) -> bool:
    try:
        os.close(folder.open_file(name))
    except PermissionError:
        return False
    except FileNotFoundError:
        return True
    return True


def _collect_linked(folder: Folder, found: set[int]) -> None:
    for name, status in folder.members():
        if status.is_folder:
            with folder.folder(name) as inner:
                _collect_linked(inner, found)
        elif status.links > 1:
            found.add(status.inode)
