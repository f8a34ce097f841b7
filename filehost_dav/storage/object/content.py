"""An open file of object storage: one blob, which never changes, so a broken connection is continued unseen."""

from __future__ import annotations

from collections.abc import Iterator

from filehost_dav.errors import Truncated, Unavailable
from filehost_dav.storage.object.blobs import Blobs, Lost, key_of
from filehost_dav.storage.object.memory import LARGEST, Memory
from filehost_dav.storage.tree import Entry

_SIGNED = 300  # seconds in which a front server may begin a download
_OFFLOAD = 1 << 20  # a smaller file is faster sent than signed for


class BlobContent:
    """Content of one blob."""

    __slots__ = ("_blob", "_blobs", "_memory", "entry")

    def __init__(self, entry: Entry, blobs: Blobs, blob: str, memory: Memory) -> None:
        self.entry = entry
        self._blobs = blobs
        self._blob = blob
        self._memory = memory

    def descriptor(self) -> int | None:
        return None

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        if self.entry.size > LARGEST:
            return self._stream(start, length)
        whole = self._memory.recall(self._blob)
        if whole is None:
            whole = b"".join(self._stream(0, self.entry.size))
            self._memory.keep(self._blob, whole)
        return iter((whole[start : start + length],))

    def _stream(self, start: int, length: int) -> Iterator[bytes]:
        end = start + length
        while start < end:
            began = start
            try:
                for block in self._blobs.stream(key_of(self._blob), start, end - start):
                    start += len(block)
                    yield block
            except Lost:
                raise
            except Unavailable:
                # Whoever has made progress may try again, at the offset reached.
                if start == began:
                    raise
            else:
                if start == began:
                    raise Truncated("The file is shorter in the store than it should be")

    def offload(self) -> str | None:
        if self.entry.size < _OFFLOAD:
            return None
        return self._blobs.sign(key_of(self._blob), _SIGNED)

    def close(self) -> None:
        """Nothing is held between blocks."""

    def __enter__(self) -> BlobContent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
