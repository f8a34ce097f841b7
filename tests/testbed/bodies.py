"""Bodies as clients send them, well and badly."""

from __future__ import annotations

import random
from collections.abc import Callable

from filehost_dav.errors import Truncated


class Bytes:
    """A body that holds `content`, and breaks off when it announces more; `length=None` announces nothing."""

    def __init__(self, content: bytes, length: int | None = -1) -> None:
        self.length = len(content) if length == -1 else length
        self._rest = memoryview(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


class Endless:
    """`size` bytes out of nothing, by a seed; breaks off after `breaks_after`, calling `at_break` first."""

    def __init__(
        self,
        size: int,
        *,
        seed: int = 0,
        announced: bool = True,
        breaks_after: int | None = None,
        at_break: Callable[[], None] = lambda: None,
    ) -> None:
        self.length = size if announced else None
        self._left = size
        # A prime: whoever mixes up two of its buffers gives other bytes, whatever their size.
        self._block = random.Random(seed).randbytes(65_521)
        self._breaks_after = breaks_after
        self._at_break = at_break
        self._given = 0

    def readinto(self, buffer: memoryview, /) -> int:
        most = self._left if self._breaks_after is None else self._breaks_after - self._given
        if self._breaks_after is not None and most <= 0:
            self._at_break()
            raise Truncated("The client is gone")
        start = self._given % len(self._block)
        count = min(len(buffer), self._left, most, len(self._block) - start)
        buffer[:count] = self._block[start : start + count]
        self._left -= count
        self._given += count
        return count
