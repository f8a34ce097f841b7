"""An open file of the local disk: size and bytes stay those of the moment it was opened.

A write replaces the name and never the bytes, so an open descriptor keeps reading the old content.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from filehost_dav.errors import IsAFolder, Truncated
from filehost_dav.paths import FilePath
from filehost_dav.storage.local.disk import Found
from filehost_dav.storage.local.faults import Translated, nothing_here
from filehost_dav.storage.local.kernel import status_of
from filehost_dav.storage.local.record import NOTHING, read_record
from filehost_dav.storage.tree import Entry

_BLOCK = 256 * 1024


class LocalContent:
    """Content by a file descriptor."""

    __slots__ = ("_descriptor", "entry")

    def __init__(self, entry: Entry, descriptor: int) -> None:
        self.entry = entry
        self._descriptor = descriptor

    @property
    def file(self) -> int:
        """The descriptor, which there always is here."""
        return self._descriptor

    def descriptor(self) -> int | None:
        return self._descriptor

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        end = start + length
        while start < end:
            with Translated():
                block = _read_at(self._descriptor, min(_BLOCK, end - start), start)
            if not block:
                raise Truncated("The file became shorter while it was read")
            start += len(block)
            yield block

    def offload(self) -> str | None:
        """The path of the open file, asked of the kernel; None where that is not possible, or it is gone."""
        try:
            path = os.readlink(f"/proc/self/fd/{self._descriptor}")
        except OSError:
            return None
        return None if path.endswith(" (deleted)") else path

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> LocalContent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def content_of(path: FilePath, descriptor: int) -> LocalContent:
    """The content of an open descriptor, which it owns from now on. Raises NotFound, IsAFolder, OSError."""
    try:
        status = status_of(descriptor)
        if status.is_folder:
            raise IsAFolder("This is a folder")
        if not status.is_file:
            raise nothing_here()
        record = read_record(descriptor) if status.has_record else NOTHING
    except BaseException:
        os.close(descriptor)
        raise
    return LocalContent(Found(path, status, record).as_entry(), descriptor)


if hasattr(os, "pread"):
    _read_at = os.pread
else:  # Windows

    def _read_at(descriptor: int, length: int, offset: int, /) -> bytes:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)
