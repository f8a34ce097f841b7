"""Blobs: the handful of calls that the storage needs of an object store, and nothing more.

A blob is written once under a random key, read by ranges, and deleted; it is never changed, copied
or asked for by condition, because not every S3 engine can. All methods raise Unavailable when the
engine does not answer, and are safe to use from several threads.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, Protocol

from filehost_dav.errors import Unavailable

BLOCK: Final = 256 * 1024  # bytes that `stream` gives at a time, more or less
ROOM: Final = "b/"  # where contents are; other keys are the server's own
AHEAD: Final = 2  # parts of an object that a sink may have on their way while the next is filled
PARTS: Final = 256  # by the first two digits of a name


class Stored(NamedTuple):
    """An object as a listing shows it. `modified` is in seconds since the epoch."""

    key: str
    size: int
    modified: int


class Lost(Unavailable):
    """The object is not in the store, though it should be."""


class Sink(Protocol):
    """The open end of an object being written."""

    def write(self, data: memoryview, /) -> object:
        """Take all of `data`, which the caller may overwrite afterwards."""

    def settle(self) -> None:
        """Wait until all whole parts are in the store, and no longer in memory."""


class Blobs(Protocol):
    """An object store."""

    def put(self, key: str, data: bytes | bytearray, notes: Mapping[str, str]) -> None:
        """Store an object whole. `notes` are kept beside it: ASCII names and values, 2 KB in all."""

    def writer(self, key: str, part: int, notes: Mapping[str, str]) -> AbstractContextManager[Sink]:
        """Store an object of any size in parts of `part` bytes.

        It appears, whole, when the block ends; an error in the block leaves nothing behind.
        """

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """`length` (at least 1) bytes from offset `start`. Raises Lost."""

    def delete(self, keys: Sequence[str]) -> None:
        """Objects that are not there count as deleted."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """All objects below `prefix`, which ends with a slash, in no order."""

    def notes(self, key: str) -> Mapping[str, str]:
        """What was noted when the object was stored. Raises Lost."""

    def abort(self, prefix: str) -> int:
        """Give up unfinished uploads whose keys begin with `prefix`; how many there were."""

    def sign(self, key: str, seconds: int) -> str | None:
        """An address at which a front server may read the object for a while, None without such a thing."""


def new_id() -> str:
    """A name for a new blob: 32 hex digits."""
    return secrets.token_hex(16)


def key_of(blob: str) -> str:
    """The object's key: 256 prefixes, so that listing can be split."""
    return f"{ROOM}{blob[:2]}/{blob}"


def names_in(part: int) -> tuple[str, str]:
    """The names of blobs in one of the PARTS of a bucket: from the first, up to before the second."""
    return f"{part:02x}", f"{part + 1:02x}" if part + 1 < PARTS else "g"
