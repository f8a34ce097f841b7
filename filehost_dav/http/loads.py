"""How many connections each worker has open, in memory that all workers share.

Whoever has more than another that is at rest lets the other take the next client, so that a few
long-lived connections (a mounted drive has four or so) do not all end up in one process. Nobody
waits for a worker that has something to do.
"""

from __future__ import annotations

import mmap

_VACANT = 2**31 - 1
"""More than any worker has, so that nobody leaves a client to a slot without a worker."""
_AT_WORK = 2**30
"""Added to the number while it is not to be waited for."""
_TAKEN = 0
"""Where the number of slots stands that were ever taken; they follow it."""


class Loads:
    """Made by the parent before it forks; each worker writes its own number only."""

    def __init__(self, most: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, 4 * (most + 1))).cast("i")
        for slot in range(1, most + 1):
            self._counts[slot] = _VACANT

    def take(self) -> Load:
        """A free slot, for a worker about to be forked. Raises ValueError when there is none."""
        slot = self._counts.tolist().index(_VACANT)
        self._counts[slot] = 0
        self._counts[_TAKEN] = max(self._counts[_TAKEN], slot)
        return Load(self._counts, slot)


class Load:
    """One worker's number among all."""

    __slots__ = ("_at_work", "_connections", "_counts", "_slot")

    def __init__(self, counts: memoryview[int], slot: int) -> None:
        self._counts = counts
        self._slot = slot
        self._connections = self._at_work = 0

    def set(self, connections: int) -> None:
        self._connections = connections
        self._counts[self._slot] = connections + self._at_work

    def rest(self) -> None:
        """From now on this worker waits for clients."""
        self._at_work = 0
        self._counts[self._slot] = self._connections

    def work(self) -> None:
        """From now on it serves some."""
        self._at_work = _AT_WORK
        self._counts[self._slot] = self._connections + _AT_WORK

    def give_up(self) -> None:
        """This worker takes no clients any more."""
        self._counts[self._slot] = _VACANT

    def is_above_another(self) -> bool:
        """Whether some other worker, at rest, has fewer connections."""
        counts = self._counts
        return min(counts[1 : counts[_TAKEN] + 1]) < self._connections
