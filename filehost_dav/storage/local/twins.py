"""Twins: names in one folder that differ by upper and lower case alone.

Windows and macOS take one for the other, so a second one is not made. Every new name asks, in folders
of any size: a folder's names are read once, and kept up by what the kernel tells of every change in it
(`inotify`), this process's and all others'. Where the kernel does not tell, they are read anew.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from filehost_dav.storage.local import inotify
from filehost_dav.storage.local.folders import RESERVED, Folder
from filehost_dav.storage.local.inotify import Event, Queue
from filehost_dav.storage.local.spelling import shown

_REMEMBERED: Final = 64  # folders
_MOST_NAMES: Final = 200_000  # of all folders together
_ADDED: Final = inotify.CREATE | inotify.MOVED_TO
_GONE: Final = inotify.DELETE | inotify.MOVED_FROM
_OURS: Final = RESERVED.encode()
_MASK: Final = _ADDED | _GONE | inotify.DELETE_SELF


class _Names:
    """A folder's names: how many, and casefolded name → the names that fold to it."""

    __slots__ = ("count", "folded")

    def __init__(self) -> None:
        self.folded: dict[str, set[str]] = {}
        self.count = 0

    def add(self, name: str | None) -> None:
        if name is not None:
            alike = self.folded.setdefault(name.casefold(), set())
            self.count += name not in alike
            alike.add(name)

    def discard(self, name: str | None) -> None:
        alike = self.folded.get(name.casefold()) if name is not None else None
        if alike is not None and name in alike:
            alike.discard(name)
            self.count -= 1
            if not alike:
                del self.folded[name.casefold()]


class Twins:
    """The names of the folders in which this process has lately made something. Any thread may ask."""

    def __init__(self, open_queue: Callable[[], Queue] = Queue) -> None:
        """`open_queue` raises OSError where the kernel tells nothing."""
        self._open_queue = open_queue
        self._lock = threading.Lock()
        self._forget()

    def of(self, inode: int, open_folder: Callable[[], Folder], name: str) -> str | None:
        """The other name in the folder that differs from `name` by case alone; None if there is none, or if
        `name` is there too. `inode` is the folder's, looked up just now. Raises OSError.
        """
        with self._lock:
            names = self._known_names(inode)
            if names is None:
                with open_folder() as folder:
                    names = self._learn(inode, folder)
            alike = names.folded.get(name.casefold())
            return None if not alike or name in alike else min(alike)

    def close(self) -> None:
        with self._lock:
            if self._queue is not None and self._process == os.getpid():
                self._queue.close()
            self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._queue: Queue | None = None
        self._watches: dict[int, int] = {}  # by the folder's inode
        self._known: OrderedDict[int, _Names] = OrderedDict()  # by watch, the last used last

    def _known_names(self, inode: int) -> _Names | None:
        if self._process != os.getpid():
            self._forget()
        for event in self._queue.events() if self._queue is not None else ():
            self._take(event)
        watch = self._watches.get(inode)
        names = self._known.get(watch) if watch is not None else None
        if names is not None and watch is not None:
            self._known.move_to_end(watch)
        return names

    def _learn(self, inode: int, folder: Folder) -> _Names:
        watch = self._watch(folder)  # before reading: what comes meanwhile is told then
        names = _read(folder)
        if watch is not None:
            self._watches[inode] = watch
            self._known[watch] = names
            self._make_room()
        return names

    def _watch(self, folder: Folder) -> int | None:
        """The folder's watch; None where the kernel does not tell all."""
        try:
            if not folder.tells_all():
                return None
            if self._queue is None:
                self._queue = self._open_queue()
            return folder.watched_by(self._queue, _MASK)
        except OSError:
            return None

    def _take(self, event: Event) -> None:
        if event.mask & inotify.OVERFLOW:
            self._known.clear()
        elif event.mask & (inotify.IGNORED | inotify.DELETE_SELF):
            self._known.pop(event.watch, None)
        elif event.name.startswith(_OURS):
            return  # a temporary file: half of all that happens where files are written
        elif names := self._known.get(event.watch):
            name = shown(os.fsdecode(event.name))
            if event.mask & _ADDED:
                names.add(name)
            else:
                names.discard(name)

    def _make_room(self) -> None:
        if len(self._watches) > 2 * _REMEMBERED:
            self._watches = {inode: watch for inode, watch in self._watches.items() if watch in self._known}
        while len(self._known) > 1 and (
            len(self._known) > _REMEMBERED or sum(names.count for names in self._known.values()) > _MOST_NAMES
        ):
            watch, _ = self._known.popitem(last=False)
            if self._queue is not None:
                self._queue.forget(watch)


def _read(folder: Folder) -> _Names:
    names = _Names()
    for name in folder.names():
        names.add(shown(name))
    return names
