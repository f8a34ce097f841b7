"""inotify: the Linux kernel tells what changes in folders, before the change returns to whoever made it.

Once the queue is drained, everything that happened before is known, whichever program did it. Left out
are writes through a memory map and through a hard link in another folder. File systems that other
machines can write to tell nothing of those, and are not watched.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

# <linux/inotify.h>
MODIFY: Final = 0x2
ATTRIB: Final = 0x4
MOVED_FROM: Final = 0x40
MOVED_TO: Final = 0x80
CREATE: Final = 0x100
DELETE: Final = 0x200
DELETE_SELF: Final = 0x400
MOVE_SELF: Final = 0x800
OVERFLOW: Final = 0x4000
IGNORED: Final = 0x8000
ON_FOLDER: Final = 0x40000000
_ONLY_FOLDERS: Final = 0x01000000
_UNTIL_UNLINKED: Final = 0x04000000
_EVENT: Final = struct.Struct("iIII")
_LONGEST: Final = _EVENT.size + 256  # an event with the longest name there is
_READ: Final = 65_536

# statfs(2): ext, XFS, Btrfs, F2FS, ZFS, tmpfs, overlay.
_LOCAL: Final = frozenset({0xEF53, 0x58465342, 0x9123683E, 0xF2F52010, 0x2FC12FC1, 0x01021994, 0x794C7630})


class Event(NamedTuple):
    """A change in the folder of `watch`; `name` is the member's, as on disk, or empty."""

    watch: int
    mask: int
    name: bytes


class Queue:
    """One kernel queue. Not for several threads at once. Raises OSError where the kernel has none."""

    def __init__(self) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self._descriptor = _checked(_libc().inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def watch(self, folder: int, mask: int) -> int:
        """Watch an open folder; the kernel gives the same number again for one that is watched already."""
        path = f"/proc/self/fd/{folder}".encode()
        return _checked(
            _libc().inotify_add_watch(self._descriptor, path, mask | _ONLY_FOLDERS | _UNTIL_UNLINKED)
        )

    def forget(self, watch: int) -> None:
        _libc().inotify_rm_watch(self._descriptor, watch)

    def events(self) -> Iterator[Event]:
        """Everything that has happened since last asked."""
        while True:
            try:
                read = os.read(self._descriptor, _READ)
            except BlockingIOError:
                return
            position = 0
            while position < len(read):
                watch, mask, _, length = _EVENT.unpack_from(read, position)
                position += _EVENT.size
                yield Event(watch, mask, read[position : position + length].rstrip(b"\0"))
                position += length
            if len(read) < _READ - _LONGEST:
                return  # there was room for one more, so there was no more

    def close(self) -> None:
        os.close(self._descriptor)


def tells_all(folder: int) -> bool:
    """Whether the kernel knows of every change in an open folder: no other machine can make one."""
    if not sys.platform.startswith("linux"):
        return False
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
