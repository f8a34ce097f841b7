"""The ledger of one user: the lock that orders all changes, and the bytes in use, exact across processes.

A small file holds the figures and what each process has reserved for uploads on their way. Whoever
holds its lock is the only one to change the user's files. The figures are marked as open while they
are being changed: a process killed in between leaves that mark, and the next one knows that they must
be counted anew. So do a restart of the machine and a ledger that is new.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from filehost_dav.storage.local.folders import Folder
from filehost_dav.storage.local.locks import hold
from filehost_dav.storage.local.processes import boot, booted_at, own_mark, runs

_HEAD = struct.Struct("=8s8sqqqqq")  # magic, boot, used, kept, unmeasured, changes, state
_MAGIC = b"ledger01"
_SLOT = struct.Struct("=48sqq")  # a process, the bytes it has reserved, when it last changed that (seconds)
_FORGOTTEN = 86_400  # seconds after which a reservation ends if its process cannot be asked for
_SLOTS = 64
_TABLE = 64  # where the slots begin
_OPEN, _STALE = 1, 2


class _Slot(NamedTuple):
    mark: bytes
    amount: int
    moment: int


class Account:
    """The figures while the lock is held, in bytes; change them, they are written at the end.

    `used` is everything: files, side files, staging, trash, versions. `kept` is the part of it that
    gives way when room is needed: trash and versions. `unmeasured` counts the folders in the trash
    whose size is not known yet and still stands under files. `changes` grows with every holder.
    """

    __slots__ = ("_file", "changes", "kept", "stale", "unmeasured", "used")

    def __init__(self, file: int, head: bytes) -> None:
        self._file = file
        self.used = self.kept = self.unmeasured = self.changes = 0
        self.stale = True
        if len(head) == _HEAD.size:
            magic, booted, used, kept, unmeasured, changes, state = _HEAD.unpack(head)
            if magic == _MAGIC:
                self.used, self.kept, self.unmeasured, self.changes = used, kept, unmeasured, changes
                self.stale = state != 0 or (booted != boot() and _is_from_before(file))

    @property
    def live(self) -> int:
        """Bytes of what the user sees as files, with staging."""
        return self.used - self.kept

    def reserved_at_most(self) -> int:
        """Bytes reserved, those of processes that are gone included: cheap, and never too few."""
        return sum(slot.amount for slot in self._slots())

    def reserved(self) -> int:
        """Bytes reserved by processes that run."""
        return sum(slot.amount for slot in self._slots() if slot.amount and _holds(slot))

    def reserve(self, amount: int) -> None:
        """Change what this process has reserved by `amount`. With more processes than slots, it is not kept."""
        mine = own_mark().encode()
        slots = list(self._slots())
        index, held = next(((at, slot.amount) for at, slot in enumerate(slots) if slot.mark == mine), (None, 0))
        if index is None:
            index = next((at for at, slot in enumerate(slots) if not _holds(slot)), len(slots))
        if index < _SLOTS:
            packed = _SLOT.pack(mine, max(0, held + amount), int(time.time()))
            _write_at(self._file, packed, _TABLE + index * _SLOT.size)

    def save(self, *, still_open: bool) -> None:
        state = (_OPEN if still_open else 0) | (_STALE if self.stale else 0)
        head = _HEAD.pack(_MAGIC, boot(), self.used, self.kept, self.unmeasured, self.changes, state)
        _write_at(self._file, head, 0)

    def _slots(self) -> Iterator[_Slot]:
        table = _read_at(self._file, _SLOTS * _SLOT.size, _TABLE)
        whole = len(table) - len(table) % _SLOT.size
        for mark, amount, moment in _SLOT.iter_unpack(table[:whole]):
            yield _Slot(mark.rstrip(b"\0"), max(0, amount), moment)


class Ledger:
    """One user's ledger, a file at `relative` below `root`."""

    def __init__(self, root: Folder, relative: str) -> None:
        self._root = root
        self._relative = relative

    @contextmanager
    def locked(self) -> Iterator[Account]:
        """Hold the user's lock. Never take it twice: the second waits for the first."""
        # A descriptor of its own for each holder, so that threads of one process exclude each other.
        file = self._root.open_own(self._relative, os.O_RDWR)
        try:
            hold(file)
            account = Account(file, _read_at(file, _HEAD.size, 0))
            account.changes += 1
            account.save(still_open=True)
            try:
                yield account
            finally:
                account.save(still_open=False)
        finally:
            os.close(file)

    def glance(self) -> Account:
        """The figures of this moment, without waiting and without changing them."""
        try:
            file = self._root.open_file(self._relative)
        except FileNotFoundError:
            return Account(-1, b"")
        try:
            return Account(file, _read_at(file, _HEAD.size, 0))
        finally:
            os.close(file)


def _is_from_before(file: int) -> bool:
    """Whether a ledger was last written before this machine was started, and may have lost its last figures.

    One written since, under another start, is another machine's on a shared file system.
    """
    return os.fstat(file).st_mtime < booted_at()


def _holds(slot: _Slot) -> bool:
    running = runs(slot.mark.decode("ascii", "replace"))
    # A process of another container, or where processes cannot be asked for, is trusted for a day.
    return time.time() - slot.moment < _FORGOTTEN if running is None else running


if hasattr(os, "pread"):

    def _read_at(file: int, size: int, offset: int) -> bytes:
        return os.pread(file, size, offset)

    def _write_at(file: int, data: bytes, offset: int) -> None:
        os.pwrite(file, data, offset)

else:  # Windows

    def _read_at(file: int, size: int, offset: int) -> bytes:
        os.lseek(file, offset, os.SEEK_SET)
        return os.read(file, size)

    def _write_at(file: int, data: bytes, offset: int) -> None:
        os.lseek(file, offset, os.SEEK_SET)
        os.write(file, data)
