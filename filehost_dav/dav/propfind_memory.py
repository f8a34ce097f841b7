"""Listings: the listings that a process remembers, least recently used ones forgotten first.

Bounded in bytes, whatever the folders. A listing is only ever found under the user, the mount, the folder
and the plan that it was made for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from filehost_dav.dav.propfind_listing import Listing

MOST_MEMORY: Final = 16 * 1024 * 1024  # bytes per process, sheets included


class Listings:
    """What a process remembers. Safe to use from any thread."""

    def __init__(self, most_memory: int = MOST_MEMORY) -> None:
        self.most_memory = most_memory
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Listing] = OrderedDict()
        self._memory = 0
        self._being_made: set[Hashable] = set()

    def get(self, key: Hashable) -> Listing | None:
        known = self._known.get(key)
        if known is not None:
            with self._lock:
                if key in self._known:
                    self._known.move_to_end(key)
        return known

    def claim(self, key: Hashable) -> bool:
        """Whether the caller may collect the pieces of this listing: only one does at a time, so that many
        clients asking for the same large folder take its memory once. Ends with `keep` or `give_up`.
        """
        with self._lock:
            if key in self._being_made:
                return False
            self._being_made.add(key)
            return True

    def keep(self, key: Hashable, listing: Listing) -> None:
        memory = listing.memory
        with self._lock:
            self._being_made.discard(key)
            self._forget(key)
            if memory > self.most_memory:
                return
            self._known[key] = listing
            self._memory += memory
            while self._memory > self.most_memory:
                self._forget(next(iter(self._known)))

    def give_up(self, key: Hashable) -> None:
        with self._lock:
            self._being_made.discard(key)

    def _forget(self, key: Hashable) -> None:
        listing = self._known.pop(key, None)
        if listing is not None:
            self._memory -= listing.memory
