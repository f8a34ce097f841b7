"""What the file system says about a name, and the entry made of it.

An ETag is made of inode, size and modification time in nanoseconds: every write makes a new inode.
An id is made of inode and birth time, so that an inode used again is not taken for the old file.
Both are overruled by the file's record (`record.py`), which is there to be read whenever the
modification time is a whole number of microseconds; times given by the kernel hardly ever are.
"""

from __future__ import annotations

import os
import random
import stat
from typing import NamedTuple

_SECOND = 1_000_000_000


class Status(NamedTuple):
    """Times in nanoseconds since the epoch; `born` is 0 where the file system does not say."""

    mode: int
    inode: int
    size: int
    links: int
    modified: int
    changed: int
    born: int

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_servable(self) -> bool:
        """Regular files and folders are; links, pipes, sockets and devices are not."""
        return stat.S_ISREG(self.mode) or stat.S_ISDIR(self.mode)

    @property
    def has_record(self) -> bool:
        """Whether tag and id may stand in the file's record instead of following from this."""
        return self.modified % 1_000 == 0

    @property
    def etag(self) -> str:
        size = 0 if stat.S_ISDIR(self.mode) else self.size
        return f'"{self.inode:x}-{size:x}-{self.modified:x}"'

    @property
    def id(self) -> str:
        return f"{self.inode:x}-{self.born:x}"

    @property
    def created(self) -> int:
        return self.born or min(self.modified, self.changed)


def from_python(found: os.stat_result) -> Status:
    """The status as Python reports it, for systems without statx."""
    born = getattr(found, "st_birthtime_ns", None)
    if born is None:
        born = int(getattr(found, "st_birthtime", 0) * _SECOND)
    return Status(
        found.st_mode,
        found.st_ino,
        found.st_size,
        found.st_nlink,
        found.st_mtime_ns,
        found.st_ctime_ns,
        born,
    )


def unmarked_time(modified: int) -> int:
    """`modified` as a time of its own: what a client cannot say is made random. It promises no record."""
    return marked_time(modified) + random.randrange(1, 1_000)  # noqa: S311 - must differ, need not be secret


def marked_time(modified: int) -> int:
    """`modified` in whole microseconds, which promise a record; whole seconds get random ones."""
    if modified % _SECOND == 0:
        return modified + random.randrange(1_000_000) * 1_000  # noqa: S311 - must differ, need not be secret
    return modified - modified % 1_000
