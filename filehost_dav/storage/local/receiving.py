"""An upload's way into a temporary file beside its target: counted, hashed, whole or discarded.

Small bodies are read completely before a file is made for them. Large ones go straight to the file:
from the socket to the disk without passing through this process when nobody needs to see the bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from filehost_dav.errors import Truncated
from filehost_dav.storage.checksums import Checksums
from filehost_dav.storage.local.folders import Folder
from filehost_dav.storage.local.kernel import allocate
from filehost_dav.storage.local.room import Reservation
from filehost_dav.storage.tree import Body

SMALL = 64 * 1024  # bytes up to which a body is read first, then stored
_BUFFER = 128 * 1024  # more falls out of the processor's cache
_SPLICE = 1024 * 1024
_LARGE = 1024 * 1024
_AHEAD = 8 * 1024 * 1024  # bytes claimed beyond what has arrived of a large body that does not say its length
KEPT = "sha1"  # of every upload; where the bytes are not seen, it is made afterwards
_ASKED_FOR = ("md5", "sha1")  # who announces one checksum will want to see these


class Received(NamedTuple):
    """A temporary file that holds the whole body: its descriptor, its name, and the sums made of it."""

    file: int
    name: str
    sums: Mapping[str, str]


class Upload:
    """One body on its way. Raises Truncated, ChecksumMismatch and what body and reservation raise."""

    def __init__(self, body: Body, announced: Mapping[str, str], reservation: Reservation) -> None:
        self._body = body
        self._announced = announced
        self._reservation = reservation
        self._received = 0
        self._claimed = 0

    def store(self, folder: Folder, name: str, expected: int | None) -> Received:
        """Store the body in `folder` as `name`; nothing is left there on an error."""
        length = self._body.length
        if length is not None and length <= SMALL:
            self._reservation.look(length)
            return self._store_small(folder, name, length)
        likely = length if length is not None else expected
        if likely is not None:
            self._reservation.cover(likely)
        file = folder.create(name)
        try:
            if length is not None:
                allocate(file, length)
            return Received(file, name, self._receive(file))
        except BaseException:
            os.close(file)
            folder.remove_file(name)
            raise

    def _store_small(self, folder: Folder, name: str, length: int) -> Received:
        buffer = bytearray(length)
        view = memoryview(buffer)
        while self._received < length and (count := self._body.readinto(view[self._received :])):
            self._received += count
        self._check_complete()
        sums = self._sums()
        sums.update(buffer)
        sums.verify(self._announced)
        file = folder.create(name)
        try:
            _write_all(file, view)
        except BaseException:
            os.close(file)
            folder.remove_file(name)
            raise
        return Received(file, name, sums.digests())

    def _receive(self, file: int) -> Mapping[str, str]:
        splice = getattr(self._body, "splice", None)
        if splice is not None and not self._announced:
            self._splice(splice, file)
            self._check_complete()
            self._trim(file)
            return {}
        sums = self._sums()
        buffer = memoryview(bytearray(_BUFFER))
        while count := self._body.readinto(buffer):
            piece = buffer[:count]
            sums.update(piece)
            self._count(file, count)
            _write_all(file, piece)
        self._check_complete()
        self._trim(file)
        sums.verify(self._announced)
        return sums.digests()

    def _splice(self, splice: Callable[[int, int], int], file: int) -> None:
        while count := splice(file, _SPLICE):
            self._count(file, count)

    def _count(self, file: int, count: int) -> None:
        self._received += count
        self._reservation.cover_received(self._received)
        if self._body.length is None and self._received > max(self._claimed, _LARGE):
            self._claimed = self._received + _AHEAD
            with suppress(OSError):  # there may be room for all that comes, if not for so much more
                allocate(file, self._claimed)

    def _trim(self, file: int) -> None:
        """Give back what was claimed and did not come."""
        if self._claimed > self._received:
            os.ftruncate(file, self._received)

    def _check_complete(self) -> None:
        if self._body.length is not None and self._received != self._body.length:
            raise Truncated("The upload ended before its announced end")

    def _sums(self) -> Checksums:
        return Checksums((*self._announced, *_ASKED_FOR) if self._announced else (KEPT,))


def _write_all(file: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(file, piece) :]
