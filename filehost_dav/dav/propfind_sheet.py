"""Sheets: where the text of a large remembered listing lies, to be sent like a file.

On Linux a sheet is a file that exists in memory alone: the kernel copies it to the client by itself, and
the process stays small. Elsewhere it is plain memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from filehost_dav.storage.tree import Entry, Span

_BLOCK = 256 * 1024


class Sheet:
    """Text that only grows. It is gone when nothing refers to it any more."""

    def __init__(self, *, as_file: bool = hasattr(os, "memfd_create")) -> None:
        """Raises OSError when the process may open no more files."""
        self.length = 0
        self._file = -1
        self._file = os.memfd_create("listing") if as_file else -1
        self._text = bytearray()

    def append(self, text: bytes) -> Passage:
        """Raises OSError when the system has no memory left."""
        start = self.length
        if self._file < 0:
            self._text += text
        else:
            view = memoryview(text)
            while view:
                view = view[os.pwrite(self._file, view, self.length + len(text) - len(view)) :]
        self.length += len(text)
        return Passage(self, start, len(text))

    def read(self, start: int, length: int) -> bytes:
        if self._file < 0:
            return bytes(self._text[start : start + length])
        return os.pread(self._file, length, start)

    def descriptor(self) -> int | None:
        return None if self._file < 0 else self._file

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)


@dataclass(frozen=True, slots=True)
class Passage:
    """Some text of a sheet."""

    sheet: Sheet
    start: int
    length: int

    def read(self) -> bytes:
        return self.sheet.read(self.start, self.length)

    def as_span(self) -> Span:
        """To be sent by the cheapest means."""
        return Span(SheetContent(self.sheet), self.start, self.length)

    def joined(self, other: Passage) -> Passage | None:
        """Both as one, when the other follows this one directly."""
        if other.sheet is not self.sheet or other.start != self.start + self.length:
            return None
        return Passage(self.sheet, self.start, self.length + other.length)


class SheetContent:
    """A sheet as the Content of a Span: for as long as it is being sent, the sheet stays."""

    entry: Entry  # a listing is no resource of a tree: nobody who sends one asks for it

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet

    def descriptor(self) -> int | None:
        return self._sheet.descriptor()

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        for offset in range(start, start + length, _BLOCK):
            yield self._sheet.read(offset, min(_BLOCK, start + length - offset))

    def offload(self) -> str | None:
        return None

    def close(self) -> None:
        """The sheet is given back with the last reference to it."""

    def __enter__(self) -> SheetContent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
