"""Counting what a user has on disk, when the ledger cannot be believed."""

from __future__ import annotations

from typing import NamedTuple

from filehost_dav.storage.local.disk import TRASH, VERSIONS, Disk
from filehost_dav.storage.local.folders import size_below
from filehost_dav.storage.local.ledger import Account
from filehost_dav.storage.local.trash import Trash

_LIVE = ("files", "side", "staging")


class Count(NamedTuple):
    """Bytes: of what the user sees and stages, and of trash and versions."""

    live: int
    kept: int


def count(disk: Disk) -> Count:
    """Walk all of a user's files. Raises OSError."""
    return Count(
        sum(_size(disk, corner) for corner in _LIVE),
        sum(_size(disk, corner) for corner in (TRASH, VERSIONS)),
    )


def recount(disk: Disk, trash: Trash, account: Account) -> None:
    """Make the account right while its lock is held. Raises OSError."""
    trash.note_sizes()
    _settle(account, count(disk))


def recount_quietly(disk: Disk, trash: Trash) -> int:
    """Make the account right without making writers wait; by how many bytes it was wrong. Raises OSError."""
    for _ in range(3):
        with disk.ledger.locked() as account:
            trash.measure(account)
            trash.note_sizes()
            before = account.changes
        counted = count(disk)
        with disk.ledger.locked() as account:
            if account.changes == before + 1:
                wrong = sum(counted) - account.used
                _settle(account, counted)
                return wrong
    with disk.ledger.locked() as account:
        used = account.used
        recount(disk, trash, account)
        return account.used - used


def _settle(account: Account, counted: Count) -> None:
    account.used = sum(counted)
    account.kept = counted.kept
    account.unmeasured = 0
    account.stale = False


def _size(disk: Disk, corner: str) -> int:
    with disk.corner(corner) as folder:
        return size_below(folder)
