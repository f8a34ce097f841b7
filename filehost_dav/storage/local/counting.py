"""Counting what a user has on disk, when the ledger cannot be believed."""

from __future__ import annotations

from typing import NamedTuple

from filehost_dav.storage.local.disk import TRASH, VERSIONS, Disk
from filehost_dav.storage.local.folders import size_below
from filehost_dav.storage.local.ledger import Account

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


def recount(disk: Disk, account: Account) -> None:
    """Make the account right while its lock is held."""
    settle(account, count(disk))


def settle(account: Account, counted: Count) -> None:
    account.used = counted.live + counted.kept
    account.kept = counted.kept
    account.unmeasured = 0
    account.stale = False


def recount_quietly(disk: Disk) -> int:
    """Make the account right without making writers wait; by how many bytes it was wrong."""
    for _ in range(3):
        before = disk.ledger.glance().changes
        counted = count(disk)
        with disk.ledger.locked() as account:
            if account.changes == before + 1:
                wrong = counted.live + counted.kept - account.used
                settle(account, counted)
                return wrong
    with disk.ledger.locked() as account:
        used = account.used
        recount(disk, account)
        return account.used - used


def _size(disk: Disk, corner: str) -> int:
    with disk.corner(corner) as folder:
        return size_below(folder)
