"""A body's way into a file: counted, hashed when asked, and never held in memory.

Where nobody needs to see the bytes and the body can, they go from the socket to the file directly.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping

from filehost_dav.errors import ChecksumMismatch, TooLarge, Truncated
from filehost_dav.storage.tree import Body

_BUFFER = 128 * 1024  # more falls out of the processor's cache
_SPLICE = 1024 * 1024
KNOWN = ("md5", "sha1", "sha256")


class Receiver:
    """Takes one body into one open file."""

    def __init__(self, file: int, body: Body, *, largest: int | None, algorithms: Iterable[str] = ()) -> None:
        self._file = file
        self._body = body
        self._largest = largest
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self.received = 0

    def receive(self) -> int:
        """Bytes stored. Raises Truncated, TooLarge and what the body raises."""
        splice = None if self._hashes else getattr(self._body, "splice", None)
        if splice is None:
            self._copy()
        else:
            while count := splice(self._file, _SPLICE):
                self._count(count)
        if self._body.length is not None and self.received != self._body.length:
            raise Truncated("The upload ended before its announced end")
        return self.received

    def digests(self) -> dict[str, str]:
        return {name: made.hexdigest() for name, made in self._hashes.items()}

    def verify(self, announced: Mapping[str, str]) -> None:
        """Raises ChecksumMismatch; algorithms not known here are passed over."""
        for name, digest in self.digests().items():
            if announced.get(name, digest) != digest:
                raise ChecksumMismatch("The bytes that arrived do not have the announced checksum")

    def _copy(self) -> None:
        length = self._body.length
        buffer = memoryview(bytearray(_BUFFER if length is None else max(1, min(_BUFFER, length))))
        while count := self._body.readinto(buffer):
            piece = buffer[:count]
            for made in self._hashes.values():
                made.update(piece)
            self._count(count)
            while piece:
                piece = piece[os.write(self._file, piece) :]

    def _count(self, count: int) -> None:
        self.received += count
        if self._largest is not None and self.received > self._largest:
            raise TooLarge("The file is larger than the largest allowed", limit=self._largest)
