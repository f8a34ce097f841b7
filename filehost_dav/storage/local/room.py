"""Room: how much a user may still store, reserved while uploads are on their way.

What counts against the quota are files, side files and staging. Trash and versions use what the quota
leaves, and give way, the oldest first, when files need the room; files never do.
"""

from __future__ import annotations

import errno
import time

from filehost_dav.errors import Full, QuotaExceeded, TooLarge
from filehost_dav.storage.local.counting import count, recount
from filehost_dav.storage.local.disk import Disk
from filehost_dav.storage.local.ledger import Account
from filehost_dav.storage.local.trash import Item, Trash
from filehost_dav.storage.local.versions import Kept, Versions
from filehost_dav.storage.tree import Usage

_QUOTA_SECONDS = 1.0  # for which a quota is remembered: one upload asks for it several times
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_STEP = 8 * 1024 * 1024  # bytes reserved at once for a body whose length is not known


class Room:
    """One user's room."""

    def __init__(self, disk: Disk, trash: Trash, versions: Versions) -> None:
        self._disk = disk
        self._trash = trash
        self._versions = versions
        self._limit: int | None = None
        self._asked = -_QUOTA_SECONDS

    @property
    def limit(self) -> int | None:
        """The user's quota in bytes, as of less than a second ago."""
        now = time.monotonic()
        if now >= self._asked + _QUOTA_SECONDS:
            self._limit = self._disk.rules.quota(self._disk.user)
            self._asked = now
        return self._limit

    def usage(self) -> Usage:
        """Raises OSError."""
        account = self._account()
        free = max(0, self._disk.root.free() - self._disk.rules.floor)
        limit = self.limit
        if limit is None:
            return Usage(account.live, None, free)
        available = max(0, min(limit - account.live, free + account.kept))
        return Usage(account.live, limit, available)

    def refuse_large(self, size: int) -> None:
        """Raises TooLarge for a file of `size` bytes."""
        largest = self._disk.rules.largest
        if largest is not None and size > largest:
            raise TooLarge("The file is larger than the largest allowed", limit=largest)

    def require(self, amount: int) -> None:
        """Raises QuotaExceeded or Full when `amount` bytes more cannot be had now; reserves nothing."""
        limit = self.limit
        if limit is not None:
            account = self._disk.ledger.glance()
            if account.stale or account.live + amount > limit:
                with self._disk.ledger.locked() as account:
                    self.admit(account, amount)
        self.require_disk(amount)

    def admit(self, account: Account, amount: int) -> None:
        """Raises QuotaExceeded when files may not grow by `amount` bytes, beside what is reserved."""
        limit = self.limit
        if limit is None or amount <= 0:
            return
        if account.stale:
            recount(self._disk, self._trash, account)
        if account.live + account.reserved_at_most() + amount <= limit:
            return
        self._trash.measure(account)
        if account.live + account.reserved() + amount > limit:
            raise QuotaExceeded(_no_room(limit))

    def reserve(self, amount: int) -> None:
        """Set `amount` bytes aside for an upload. Raises QuotaExceeded, Full."""
        with self._disk.ledger.locked() as account:
            self.admit(account, amount)
            account.reserve(amount)

    def release(self, amount: int) -> None:
        with self._disk.ledger.locked() as account:
            account.reserve(-amount)

    def require_disk(self, amount: int) -> None:
        """Make room on the disk itself, giving up trash and versions. Raises Full."""
        lacking = amount + self._disk.rules.floor - self._disk.root.free()
        if lacking <= 0:
            return
        with self._disk.ledger.locked() as account:
            self._give_up(account, lacking)
        self._trash.clear()
        if self._disk.root.free() < amount + self._disk.rules.floor:
            raise Full("The server's disk is full")

    def keep_within(self, account: Account) -> bool:
        """After a change: let trash and versions give way to the quota; whether there is something to clear."""
        limit = self.limit
        if limit is None or account.used <= limit:
            return False
        if account.stale or account.unmeasured:
            self._make_exact(account)
        self._give_up(account, account.used - limit)
        return True

    def _account(self) -> Account:
        account = self._disk.ledger.glance()
        if not account.stale and not account.unmeasured:
            return account
        try:
            with self._disk.ledger.locked() as account:
                self._make_exact(account)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.ENOSPC):
                raise
            # The disk takes no writes: nothing can be noted, but it can be counted.
            counted = count(self._disk)
            account.used, account.kept = sum(counted), counted.kept
        return account

    def _make_exact(self, account: Account) -> None:
        if account.stale:
            recount(self._disk, self._trash, account)
        self._trash.measure(account)

    def _give_up(self, account: Account, amount: int) -> None:
        oldest: list[tuple[int, Item | Kept]] = [(item.deleted, item) for item in self._trash.items()]
        oldest += [(version.replaced, version) for version in self._versions.all()]
        oldest.sort(key=lambda one: one[0])
        for _, one in oldest:
            if amount <= 0:
                return
            amount -= (
                self._trash.doom(account, one) if isinstance(one, Item) else self._versions.drop(account, one)
            )


class Reservation:
    """Room set aside for one upload; grows with it, and ends with `release`."""

    def __init__(self, room: Room, *, replaces: int) -> None:
        """`replaces`: bytes of the file that the upload will replace, which are given back."""
        self._room = room
        self._credit = replaces
        self._reserved = 0
        self._covered = 0
        self._limited = room.limit is not None

    def cover(self, total: int) -> None:
        """Set aside `total` bytes in all. Raises TooLarge, QuotaExceeded, Full."""
        if total <= self._covered:
            return
        self._room.refuse_large(total)
        self._room.require_disk(total - self._covered)
        if self._limited:
            more = total - self._credit - self._reserved
            if more > 0:
                self._room.reserve(more)
                self._reserved += more
        self._covered = total

    def look(self, total: int) -> None:
        """Whether `total` bytes could be had now, setting none aside: for a body that is committed at once.

        Raises TooLarge, QuotaExceeded, Full.
        """
        self._room.refuse_large(total)
        self._room.require(total - self._credit)

    def cover_received(self, received: int) -> None:
        """For a body of unknown length: set aside what arrived, and a step beyond where there is room."""
        if received <= self._covered:
            return
        try:
            self.cover(received + _STEP)
        except (QuotaExceeded, Full, TooLarge):
            self.cover(received)

    def release(self) -> None:
        """Give back what is set aside."""
        if self._reserved:
            self._room.release(self._reserved)
            self._reserved = 0

    def release_within(self, account: Account) -> None:
        """The same while the user's lock is held."""
        if self._reserved:
            account.reserve(-self._reserved)
            self._reserved = 0


def _no_room(limit: int) -> str:
    unit = next(unit for unit in ("GiB", "MiB", "KiB", "bytes") if limit >= _UNITS[unit] or unit == "bytes")
    return f"There is no room left: {limit / _UNITS[unit]:.4g} {unit} are allowed"
