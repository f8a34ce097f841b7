"""Watches: whether anything in a folder has changed, told by the Linux kernel (inotify) without looking.

The kernel queues an event before the change that causes it returns to whoever made it. Once the queue is
drained, a folder without an event is therefore exactly as it was, whichever program works on it. Left
out are writes through a memory map and through a hard link in another folder, which give no event: for
their sake no answer holds longer than a few seconds. File systems that other machines can write to are
not watched at all.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from typing import Final

_HOLDS: Final = 10.0  # seconds
_MOST_WATCHES: Final = 4096  # of one process; the kernel allows a user some ten thousand
_MOST_SUBFOLDERS: Final = 256  # of a watched folder

# <linux/inotify.h>: modify, attrib, moved from and to, create, delete, delete self, move self.
_CHANGES: Final = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
_ONLY_FOLDERS: Final = 0x01000000
_UNTIL_UNLINKED: Final = 0x04000000
_MASK: Final = _CHANGES | _ONLY_FOLDERS | _UNTIL_UNLINKED
_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000
_ON_FOLDER: Final = 0x40000000
_ADDED: Final = 0x80 | 0x100
_EVENT: Final = struct.Struct("iIII")

# statfs(2): ext, XFS, Btrfs, F2FS, ZFS, tmpfs, overlay.
_LOCAL: Final = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x2FC12FC1, 0x01021994, 0x794C7630})


class Watches:
    """The watched folders of one process. Safe to use from any thread, and after a fork."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tick = 0
        self._forget()

    def generation(self, place: Hashable, open_folder: Callable[[], int]) -> Hashable | None:
        """A value that differs after any change in a folder, or to one of its subfolders.

        `place` is the folder's identity on the disk, looked up just now: what a path leads to may change
        without an event in the folder itself. `open_folder` gives a descriptor of it, which is closed here.
        None where the kernel or the file system does not tell.
        """
        if not sys.platform.startswith("linux"):
            return None
        with self._lock:
            if self._process != os.getpid():
                self._forget()
            self._drain()
            watched = self._folders.get(place, ())
            if not watched or not all(one in self._changed for one in watched):
                watched = self._watch(place, open_folder)
            if not watched:
                return None
            return (place, max(self._changed[one] for one in watched), int(self._clock() / _HOLDS))

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._queue is not None and self._process == os.getpid():
            os.close(self._queue)
        self._forget()

    def _forget(self) -> None:
        """Begin anew. Ticks go on, so that nothing told before is told again."""
        self._process = os.getpid()
        self._queue: int | None = None
        self._changed: dict[int, int] = {}  # watch → tick of the last change
        self._folders: dict[Hashable, tuple[int, ...]] = {}

    def _drain(self) -> None:
        while self._queue is not None:
            try:
                events = os.read(self._queue, 65536)
            except BlockingIOError:
                return
            position = 0
            while position < len(events):
                watch, mask, _, length = _EVENT.unpack_from(events, position)
                position += _EVENT.size + length
                self._take(watch, mask)

    def _take(self, watch: int, mask: int) -> None:
        self._tick += 1
        if mask & _OVERFLOW:
            self._changed = dict.fromkeys(self._changed, self._tick)
        elif mask & _IGNORED or (mask & _ON_FOLDER and mask & _ADDED):
            # Gone, or with a new subfolder that has to be watched too: to be set up again.
            self._changed.pop(watch, None)
        elif watch in self._changed:
            self._changed[watch] = self._tick

    def _watch(self, place: Hashable, open_folder: Callable[[], int]) -> tuple[int, ...]:
        if len(self._changed) > _MOST_WATCHES:
            self._stop()
        try:
            folder = open_folder()
            try:
                self._folders[place] = tuple(self._add_all(folder))
            finally:
                os.close(folder)
        except OSError:
            return ()
        return self._folders[place]

    def _add_all(self, folder: int) -> Iterator[int]:
        """Watch a folder, and its subfolders, whose times and tags are part of its listing."""
        if not _is_local(folder):
            return
        if self._queue is None:
            self._queue = _checked(_libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        yield self._add(folder)
        with os.scandir(folder) as members:
            subfolders = [member.name for member in members if member.is_dir(follow_symlinks=False)]
        if len(subfolders) > _MOST_SUBFOLDERS:
            raise OSError(errno.ENOSPC, "too many subfolders to watch")
        for name in subfolders:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                yield self._add(inner)
            finally:
                os.close(inner)

    def _add(self, folder: int) -> int:
        # The kernel gives the same number again for a folder that is watched already.
        watch = _checked(_libc().inotify_add_watch(self._queue, f"/proc/self/fd/{folder}".encode(), _MASK))
        if watch not in self._changed:
            self._tick += 1
            self._changed[watch] = self._tick
        return watch


def _is_local(folder: int) -> bool:
    """Whether only this machine can change what is on the folder's file system."""
    facts = ctypes.create_string_buffer(256)
    _checked(_libc().fstatfs(folder, facts))
    return int.from_bytes(facts.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder) in _LOCAL


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
