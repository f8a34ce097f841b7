"""The content check on the way to a document's name.

A body is judged by its first bytes before any of it reaches the storage, so that a refused overwrite
leaves the old file; a file that waits elsewhere is judged before it is renamed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import cast

from filehost_dav.errors import TooLarge
from filehost_dav.policy.signatures import PROBE
from filehost_dav.storage.tree import Body, Content, DirectBody

Check = Callable[[bytes], None]
"""Called with the first PROBE bytes, or all there are; raises Refused."""


def judged(body: Body, check: Check) -> Body:
    """`body`, read only after `check` has seen how it begins. It can splice when `body` can."""
    # Not isinstance: looking through a protocol costs more than storing a small file's bytes.
    if hasattr(body, "splice"):
        return JudgedDirectBody(cast(DirectBody, body), check)
    return JudgedBody(body, check)


def head_of(content: Content) -> bytes:
    """The first PROBE bytes of an open file, or all there are."""
    return b"".join(content.blocks(0, min(content.entry.size, PROBE)))


class JudgedBody:
    """A body with its beginning read ahead."""

    def __init__(self, body: Body, check: Check) -> None:
        self.length = body.length
        self._body = body
        self._check = check
        self._head: bytes | None = None

    def readinto(self, buffer: memoryview, /) -> int:
        head = self._beginning()
        if not head:
            return self._body.readinto(buffer)
        count = min(len(head), len(buffer))
        buffer[:count] = head[:count]
        self._head = head[count:]
        return count

    def _beginning(self) -> bytes:
        """What was read ahead and not passed on yet."""
        if self._head is None:
            head = _read_ahead(self._body)
            self._check(head)
            self._head = head
        return self._head


class JudgedDirectBody(JudgedBody):
    """The same for a body that can go to a file directly."""

    def __init__(self, body: DirectBody, check: Check) -> None:
        super().__init__(body, check)
        self._direct = body

    def splice(self, descriptor: int, most: int, /) -> int:
        head = self._beginning()
        if not head:
            return self._direct.splice(descriptor, most)
        count = os.write(descriptor, head[:most])
        self._head = head[count:]
        return count


class BoundedBody:
    """A body of which no more than `most` bytes are accepted. Raises TooLarge."""

    def __init__(self, body: Body, most: int) -> None:
        if body.length is not None and body.length > most:
            raise _too_large(most)
        self.length = body.length
        self._body = body
        self._most = most
        self._read = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._body.readinto(buffer)
        self._read += count
        if self._read > self._most:
            raise _too_large(self._most)
        return count


class BytesBody:
    """Bytes at hand as a body."""

    def __init__(self, octets: bytes) -> None:
        self.length: int | None = len(octets)
        self._rest = memoryview(octets)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class ContentBody:
    """An open file as a body."""

    def __init__(self, content: Content) -> None:
        self.length: int | None = content.entry.size
        self._blocks = content.blocks(0, content.entry.size)
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _read_ahead(body: Body) -> bytes:
    buffer = memoryview(bytearray(PROBE))
    filled = 0
    while filled < PROBE:
        count = body.readinto(buffer[filled:])
        if not count:
            break
        filled += count
    return bytes(buffer[:filled])


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"A file under this name may not be larger than {most} bytes", limit=most)
