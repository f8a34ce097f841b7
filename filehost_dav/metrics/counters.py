"""Counters that all workers of a server share: a table in memory that is inherited by the fork.

Each worker writes in a row of its own, so that none waits for another; what is read is the sum of
the rows. A row belongs to whoever holds the lock on its byte, and the system takes the lock from a
worker that died, so a successor counts on where it stopped.
"""

from __future__ import annotations

import mmap
import tempfile
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Final

try:
    import fcntl
except ImportError:  # Windows, where there is one process
    fcntl = None  # type: ignore[assignment]

_ROWS: Final = 260  # more than there can be workers, old and new ones together
_WIDTH: Final = 8  # bytes of a number


class Counters:
    """Whole numbers by key. `gauges` are keys that begin at zero with each worker."""

    def __init__(self, keys: Sequence[Hashable], gauges: Sequence[Hashable] = ()) -> None:
        self._index = {key: place for place, key in enumerate((*keys, *gauges))}
        self._gauges = tuple(gauges)
        self._length = len(self._index)
        self._memory = mmap.mmap(-1, _ROWS * self._length * _WIDTH)
        self._numbers = memoryview(self._memory).cast("q")
        self._owners = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        self._lock = threading.Lock()
        self._start = 0

    def join(self) -> None:
        """Called in each worker, before it counts."""
        row = next(row for row in range(1, _ROWS) if self.take(row))
        self._start = row * self._length
        for gauge in self._gauges:
            self._numbers[self._start + self._index[gauge]] = 0

    def take(self, place: int) -> bool:
        """Whether this process is now the one that holds `place`; 0 is free for any purpose."""
        if fcntl is None:
            return True
        try:
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            return False
        return True

    def add(self, *amounts: tuple[Hashable, int]) -> None:
        """Add to these; a key that is not known is left out."""
        with self._lock:
            for key, amount in amounts:
                place = self._index.get(key)
                if place is not None:
                    self._numbers[self._start + place] += amount

    def close(self) -> None:
        self._numbers.release()
        self._memory.close()
        self._owners.close()

    def total(self) -> Callable[[Hashable], int]:
        """The sums of now, by key."""
        numbers = self._numbers.tolist()
        sums = [sum(numbers[place :: self._length]) for place in range(self._length)]
        return lambda key: sums[self._index[key]]
