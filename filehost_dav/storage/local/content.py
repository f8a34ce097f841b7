"""An open file of the local disk: size and bytes stay those of the moment it was opened.

A write replaces the name and never the bytes, so an open descriptor keeps reading the old content.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from filehost_dav.errors import Truncated
from filehost_dav.storage.local.faults import translated
from filehost_dav.storage.tree import Entry

_BLOCK = 256 * 1024


class LocalContent:
    """Content by a file descriptor."""

    __slots__ = ("_descriptor", "entry")

    def __init__(self, entry: Entry, descriptor: int) -> None:
        self.entry = entry
        self._descriptor = descriptor

    def descriptor(self) -> int | None:
        return self._descriptor

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        end = start + length
        while start < end:
            with translated():
                block = os.pread(self._descriptor, min(_BLOCK, end - start), start)
            if not block:
                raise Truncated("The file became shorter while it was read")
            start += len(block)
            yield block

    def offload(self) -> str | None:
        return None

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> LocalContent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
