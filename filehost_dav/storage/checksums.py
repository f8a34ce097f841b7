"""Checksums made while bytes pass, by the names clients use for them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Mapping
from typing import Any

from filehost_dav.errors import ChecksumMismatch

KNOWN = ("md5", "sha1", "sha256", "sha512", "adler32")


class Checksums:
    """Some checksums of one content. Algorithms not known are left out."""

    def __init__(self, algorithms: Collection[str]) -> None:
        self._made: dict[str, Any] = {
            name: _Adler32() if name == "adler32" else getattr(hashlib, name)(usedforsecurity=False)
            for name in KNOWN
            if name in algorithms
        }

    def update(self, piece: bytes | bytearray | memoryview) -> None:
        for made in self._made.values():
            made.update(piece)

    def digests(self) -> dict[str, str]:
        """Algorithm → hex, lower case."""
        return {name: made.hexdigest() for name, made in self._made.items()}

    def verify(self, announced: Mapping[str, str]) -> None:
        """Raises ChecksumMismatch when one of `announced` is another than was made."""
        for name, digest in self.digests().items() if announced else ():
            if announced.get(name, digest) != digest:
                raise ChecksumMismatch("The bytes that arrived do not have the announced checksum")


class _Adler32:
    def __init__(self) -> None:
        self._value = 1

    def update(self, piece: bytes | bytearray | memoryview) -> None:
        self._value = zlib.adler32(piece, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"
