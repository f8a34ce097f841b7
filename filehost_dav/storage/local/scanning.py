"""One pass over a folder for a reader that remembers what it made of each member.

A member's stamp is made of its inode and its change time, which the kernel moves at every change to
content, time, name or record, whoever makes it.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator

from filehost_dav.paths import FilePath
from filehost_dav.storage.local.disk import Disk
from filehost_dav.storage.tree import Entry

_UNSURE = 20_000_000  # ns; the kernel's clock may stand still for this long while a file changes twice


class LocalScan:
    """A Scan. Its folder is open for as long as it lives."""

    view: Hashable = None

    def __init__(self, disk: Disk, path: FilePath) -> None:
        """Raises OSError."""
        self._disk = disk
        self._path = path
        self._folder = disk.folder(path)

    def __iter__(self) -> Iterator[tuple[str, int | None, str]]:
        sure = time.time_ns() - _UNSURE
        for safe, name, status in self._disk.quickly_shown_members(self._folder):
            changed = status.st_ctime_ns
            yield safe, (changed | status.st_ino << 64 if changed < sure else None), name

    def describe(self, name: str, facts: str) -> Entry | None:
        status = self._folder.status(facts)
        if status is None or not status.is_servable:
            return None
        path = FilePath((*self._path.parts, name), self._path.area)
        return self._disk.member(self._folder, facts, path, status).as_entry()
