"""Memory: small contents that were read or written a moment ago, by the name of their blob.

A blob never changes and no name is drawn twice, so nothing here can be out of date; who may read it,
and whether it is still a file's content, the rows have told before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

LARGEST: Final = 64 * 1024
"""Bytes of the largest content that is remembered: beyond it the engine's answer takes longer than its way."""


class Memory:
    """The contents used last, in `room` bytes; for one process."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._used = 0
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, blob: str) -> bytes | None:
        with self._lock:
            content = self._contents.get(blob)
            if content is not None:
                self._contents.move_to_end(blob)
            return content

    def keep(self, blob: str, content: bytes) -> None:
        """Those not used for the longest time make room."""
        if len(content) > min(LARGEST, self._room):
            return
        with self._lock:
            self._used += len(content) - len(self._contents.pop(blob, b""))
            self._contents[blob] = content
            while self._used > self._room:
                self._used -= len(self._contents.popitem(last=False)[1])
