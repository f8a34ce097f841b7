"""Room: the memory for what uploads hold on its way into the bucket, for one process.

An upload takes what it cannot do without, one part, before it holds any of it, and waits for nothing
while it has it; so whoever waits can be sure that those before it come to their end. What is left over
lets uploads send parts while the next one comes; whoever gets none of it waits for each part to be sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from filehost_dav.errors import Unavailable
from filehost_dav.storage.object.blobs import AHEAD, Sink

_PATIENCE: Final = 20.0  # seconds
_SLOW: Final = 5.0  # seconds for a part to arrive


class Room:
    """`size` bytes."""

    def __init__(self, size: int, patience: float = _PATIENCE) -> None:
        """`patience` in seconds is how long an upload waits."""
        self._size = size
        self._free = size
        self._patience = patience
        self._changed = threading.Condition()

    @contextmanager
    def share(self, size: int) -> Iterator[Share]:
        """What one upload needs, or all there is for one that needs more.

        Raises Unavailable when it does not get free.
        """
        size = min(size, self._size)
        with self._changed:
            if not self._changed.wait_for(lambda: self._free >= size, self._patience):
                raise Unavailable("Too many large files arrive at the same time, try again", retry_after=10)
            self._free -= size
        share = Share(self)
        try:
            yield share
        finally:
            share.end()
            self.give_back(size)

    def take(self, size: int) -> bool:
        """So much, if it is free now."""
        with self._changed:
            if self._free < size:
                return False
            self._free -= size
            return True

    def give_back(self, size: int) -> None:
        with self._changed:
            self._free += size
            self._changed.notify_all()


class Share:
    """What one upload has: its own part, and perhaps more."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._more = 0

    def has_more(self, size: int) -> bool:
        """Whether there is so much beside its own part, taken now if it is free."""
        if not self._more and self._room.take(size):
            self._more = size
        return bool(self._more)

    def end(self) -> None:
        """Give back what there is beside its own part."""
        self._room.give_back(self._more)
        self._more = 0


class Pace:
    """How fast the parts of one upload follow each other into a sink."""

    def __init__(self, share: Share, sink: Sink, part: int) -> None:
        self._share = share
        self._sink = sink
        self._part = part
        self._filled = 0
        self._began = time.monotonic()

    def wrote(self, count: int) -> None:
        """So many bytes more are in the sink, which sends a part when it is full."""
        self._filled += count
        if self._filled < self._part:
            return
        self._filled -= self._part
        now = time.monotonic()
        if now - self._began > _SLOW:
            # The part before this one is long sent: a slow client needs no second.
            self._sink.settle()
            self._share.end()
        elif not self._share.has_more(AHEAD * self._part):
            self._sink.settle()
        self._began = now
