"""How many connections each worker has open, in memory that all workers share.

Whoever has more than another lets the other take the next client, so that a few long-lived
connections (a mounted drive has four or so) do not all end up in one process.
"""

from __future__ import annotations

import mmap

_VACANT = 2**31 - 1
"""More than any worker has, so that nobody leaves a client to a slot without a worker."""
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

    __slots__ = ("_counts", "_slot")

    def __init__(self, counts: memoryview[int], slot: int) -> None:
        self._counts = counts
        self._slot = slot

    def set(self, connections: int) -> None:
        self._counts[self._slot] = connections

    def give_up(self) -> None:
        """This worker takes no clients any more."""
        self._counts[self._slot] = _VACANT

    def is_above_another(self) -> bool:
        """Whether some other worker has fewer connections."""
        counts = self._counts
        return min(counts[1 : counts[_TAKEN] + 1]) < counts[self._slot]
