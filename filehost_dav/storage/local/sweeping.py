"""Sweeping one user's corner: what crashes left behind, and what has been kept long enough.

Nothing that a user could still want is touched: temporary files of processes that are gone, doomed
things, expired trash, thinned versions. Safe at any time and in any process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from filehost_dav.storage.local.counting import recount_quietly
from filehost_dav.storage.local.disk import TRASH, VERSIONS, Disk
from filehost_dav.storage.local.folders import RESERVED, Folder, remove_tree
from filehost_dav.storage.local.processes import runs
from filehost_dav.storage.local.rules import DAY
from filehost_dav.storage.local.status import Status
from filehost_dav.storage.local.trash import DOOMED, Trash
from filehost_dav.storage.local.versions import Versions, thinned

_UNKNOWN_AGE = DAY  # a temporary file of a process that cannot be asked for
_DEAD_AGE = 60 * 1_000_000_000  # of one that is known to be gone; not zero, for a clock that is off
_EMPTY_AGE = DAY  # a folder made for side files that no longer are


def sweep(disk: Disk, trash: Trash, versions: Versions) -> None:
    """Raises OSError."""
    for corner in ("files", "side", "staging", TRASH, VERSIONS):
        with disk.corner(corner) as folder:
            for orphan in orphans(folder, disk.rules.clock()):
                remove_tree(orphan.folder, orphan.name)
    for corner in ("side", "staging"):
        with disk.corner(corner) as folder:
            _remove_empty_below(folder, disk.rules.clock())
    expire(disk, trash, versions)
    trash.clear()
    recount_quietly(disk, trash)


def expire(disk: Disk, trash: Trash, versions: Versions) -> None:
    """Give up trash and versions that are old enough, and versions beyond what one user may have."""
    now, keeping = disk.rules.clock(), disk.rules.retention
    if keeping is None:
        return
    with disk.ledger.locked() as account:
        for item in trash.items():
            if keeping.trash is not None and now - item.deleted > keeping.trash:
                trash.doom(account, item)
        trash.tidy()
        for version in list(
            thinned(versions.all(), now=now, all_for=keeping.versions_all, daily_for=keeping.versions_daily)
        ):
            versions.drop(account, version)
        if keeping.versions_most is not None:
            kept = versions.all()
            excess = sum(map(versions.size, kept)) - keeping.versions_most
            for version in kept:
                if excess <= 0:
                    break
                excess -= versions.drop(account, version)


class Orphan(NamedTuple):
    """A temporary file or folder that no running process will finish: where it lies, and its name there."""

    place: str
    folder: Folder
    name: str


def orphans(folder: Folder, now: int, above: str = "") -> Iterator[Orphan]:
    """All orphans below a folder, which are open only until the next one is asked for. Raises OSError."""
    for name, status in folder.members():
        if name.startswith(RESERVED):
            if _is_orphan(name, status, now):
                yield Orphan(above, folder, name)
        elif status.is_folder:
            with contextlib.suppress(FileNotFoundError), folder.folder(name) as inner:
                yield from orphans(inner, now, f"{above}/{name}")


def _is_orphan(name: str, status: Status, now: int) -> bool:
    mark = name[len(RESERVED) :].rpartition(".")[0]
    if not mark or name.startswith(DOOMED):
        return False
    running = runs(mark)
    if running:
        return False
    return now - status.changed > (_DEAD_AGE if running is False else _UNKNOWN_AGE)


def _remove_empty_below(folder: Folder, now: int) -> None:
    for name, status in folder.members():
        if not status.is_folder:
            continue
        with contextlib.suppress(FileNotFoundError), folder.folder(name) as inner:
            _remove_empty_below(inner, now)
        if now - status.modified > _EMPTY_AGE:
            with contextlib.suppress(OSError):  # not empty, or in use again
                folder.remove_folder(name)
