"""Watches: whether anything in a folder has changed, told without looking.

Once the kernel's queue is drained, a folder without an event is exactly as it was, whichever program
works on it. For the sake of what gives no event (writes through a memory map, and through a hard link in
another folder), no answer holds longer than a few seconds.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Final

from filehost_dav.storage.local import inotify
from filehost_dav.storage.local.folders import Folder
from filehost_dav.storage.local.inotify import Event, Queue

_HOLDS: Final = 10.0  # seconds
_MOST_WATCHES: Final = 4096  # of one process; the kernel allows a user some ten thousand
_MOST_SUBFOLDERS: Final = 256  # of a watched folder
_ADDED: Final = inotify.CREATE | inotify.MOVED_TO
_GONE: Final = inotify.DELETE | inotify.MOVED_FROM | inotify.DELETE_SELF | inotify.MOVE_SELF
_MASK: Final = _ADDED | _GONE | inotify.MODIFY | inotify.ATTRIB


class Watches:
    """The watched folders of one process. Safe to use from any thread, and after a fork."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tick = 0
        self._forget()

    def generation(self, folder: Folder) -> Hashable | None:
        """A value that differs after any change in a folder, or to one of its subfolders.

        The folder was opened just now, since what a path leads to may change without an event in it. None
        where the kernel or the file system does not tell. Raises OSError.
        """
        place = folder.inode()
        with self._lock:
            if self._process != os.getpid():
                self._forget()
            self._drain()
            watched = self._folders.get(place, ())
            if not watched or not all(one in self._changed for one in watched):
                watched = self._watch(place, folder)
            if not watched:
                return None
            return (place, max(self._changed[one] for one in watched), int(self._clock() / _HOLDS))

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._queue is not None and self._process == os.getpid():
            self._queue.close()
        self._forget()

    def _forget(self) -> None:
        """Begin anew. Ticks go on, so that nothing told before is told again."""
        self._process = os.getpid()
        self._queue: Queue | None = None
        self._changed: dict[int, int] = {}  # watch → tick of the last change
        self._folders: dict[Hashable, tuple[int, ...]] = {}

    def _drain(self) -> None:
        for event in self._queue.events() if self._queue is not None else ():
            self._take(event)

    def _take(self, event: Event) -> None:
        self._tick += 1
        if event.mask & inotify.OVERFLOW:
            self._changed = dict.fromkeys(self._changed, self._tick)
        elif event.mask & inotify.IGNORED or (event.mask & inotify.ON_FOLDER and event.mask & _ADDED):
            # Gone, or with a new subfolder that has to be watched too: to be set up again.
            self._changed.pop(event.watch, None)
        elif event.watch in self._changed:
            self._changed[event.watch] = self._tick

    def _watch(self, place: Hashable, folder: Folder) -> tuple[int, ...]:
        if len(self._changed) > _MOST_WATCHES:
            self._stop()
        try:
            self._folders[place] = tuple(self._add_all(folder))
        except OSError:
            return ()
        return self._folders[place]

    def _add_all(self, folder: Folder) -> Iterator[int]:
        """Watch a folder, and its subfolders, whose times and tags are part of its listing."""
        if not folder.tells_all():
            return
        if self._queue is None:
            self._queue = Queue()
        yield self._add(self._queue, folder)
        subfolders = folder.subfolders()
        if len(subfolders) > _MOST_SUBFOLDERS:
            raise OSError(errno.ENOSPC, "too many subfolders to watch")
        for name in subfolders:
            with folder.folder(name) as inner:
                yield self._add(self._queue, inner)

    def _add(self, queue: Queue, folder: Folder) -> int:
        # The kernel gives the same number again for a folder that is watched already.
        watch = folder.watched_by(queue, _MASK)
        if watch not in self._changed:
            self._tick += 1
            self._changed[watch] = self._tick
        return watch
