"""What a file's status says about it: its ETag, its id, its times.

An ETag is made of inode, size and modification time in nanoseconds. Every write makes a new inode,
and a time given by a client gets random nanoseconds, so that two writes never share a tag.
"""

from __future__ import annotations

import os
import random
import stat

from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import Entry


def entry_of(path: FilePath, status: os.stat_result) -> Entry:
    """The entry that `status` describes."""
    is_folder = stat.S_ISDIR(status.st_mode)
    return Entry(
        path=path,
        is_folder=is_folder,
        size=0 if is_folder else status.st_size,
        modified=status.st_mtime_ns,
        created=min(status.st_mtime_ns, status.st_ctime_ns),
        etag=f'"{status.st_ino:x}-{0 if is_folder else status.st_size:x}-{status.st_mtime_ns:x}"',
        id=f"{status.st_ino:x}",
    )


def unique_time(modified: int) -> int:
    """`modified` (ns) as a time that no other write has: what a client cannot express is made random."""
    step = 1_000_000_000 if modified % 1_000_000_000 == 0 else 1_000
    return modified - modified % step + random.randrange(step // 1_000) * 1_000 + random.randrange(1, 1_000)  # noqa: S311 - unlikely to repeat, not secret
