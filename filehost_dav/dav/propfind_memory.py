"""Listings: the listings that a process remembers, least recently used ones forgotten first.

Bounded in bytes, whatever the folders. A listing is only ever found under the user, the mount, the folder
and the plan that it was made for.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

from filehost_dav.dav.propfind_listing import Listing

MOST_MEMORY: Final = 16 * 1024 * 1024  # bytes per process, sheets included
PATIENCE: Final = 0.2  # seconds that somebody else's listing may stand still while it is waited for
LONGEST_WAIT: Final = 1.0  # seconds in all: its client may be slow, and take a little now and then


class _Growth(NamedTuple):
    """How far a listing is that is being made: its bytes, and when the last of them came."""

    memory: int
    moment: float


class Listings:
    """What a process remembers. Safe to use from any thread."""

    def __init__(self, most_memory: int = MOST_MEMORY, clock: Callable[[], float] = time.monotonic) -> None:
        self.most_memory = most_memory
        self._clock = clock
        self._changed = threading.Condition()
        self._known: OrderedDict[Hashable, Listing] = OrderedDict()
        self._memory = 0
        self._being_made: dict[Hashable, _Growth] = {}

    def get(self, key: Hashable) -> Listing | None:
        known = self._known.get(key)
        if known is not None:
            with self._changed:
                if key in self._known:
                    self._known.move_to_end(key)
        return known

    def await_maker(self, key: Hashable) -> None:
        """Wait for the one who is making this listing, if anybody is, for as long as it grows, but not long.

        Many clients that ask for the same large folder at once so take the time and the memory of one. It
        does not grow while its maker waits for a slow client, for which nobody else should wait.
        """
        if key not in self._being_made:
            return
        end = self._clock() + LONGEST_WAIT
        with self._changed:
            while (growth := self._being_made.get(key)) is not None:
                left = min(growth.moment + PATIENCE, end) - self._clock()
                if left <= 0 or self._changed.wait_for(lambda: key not in self._being_made, left):
                    return

    def claim(self, key: Hashable) -> bool:
        """Whether the caller may collect the pieces of this listing: one at a time does. Ends with `keep`
        or `give_up`.
        """
        with self._changed:
            if key in self._being_made:
                return False
            self._being_made[key] = _Growth(0, self._clock())
            return True

    def grant(self, key: Hashable, memory: int) -> bool:
        """Room for more of a listing that is being made. All of these together have as much as what is
        remembered; one that is refused keeps nothing.
        """
        with self._changed:
            before = self._being_made[key]
            fits = sum(growth.memory for growth in self._being_made.values()) + memory <= self.most_memory
            # Who is refused is not waited for any longer: there will be nothing to be had.
            self._being_made[key] = _Growth(before.memory + memory, self._clock()) if fits else _Growth(0, 0)
            return fits

    def keep(self, key: Hashable, listing: Listing) -> None:
        """Instead of what was remembered of it before."""
        memory = listing.memory
        with self._changed:
            self._forget(key)
            if memory <= self.most_memory:
                self._known[key] = listing
                self._memory += memory
            while self._memory > self.most_memory:
                self._forget(next(iter(self._known)))
        self.give_up(key)

    def give_up(self, key: Hashable) -> None:
        with self._changed:
            self._being_made.pop(key, None)
            self._changed.notify_all()

    def _forget(self, key: Hashable) -> None:
        listing = self._known.pop(key, None)
        if listing is not None:
            self._memory -= listing.memory
