"""Copies of files and whole folders, made beside their target under a name of ours, ready to be renamed."""

from __future__ import annotations

import os
import shutil
import stat

from filehost_dav.storage.local.disk import Found
from filehost_dav.storage.local.folders import Folder, size_below
from filehost_dav.storage.local.kernel import allocate, shares_blocks, status_of
from filehost_dav.storage.local.record import Record, read_record, write_record
from filehost_dav.storage.local.spelling import shown
from filehost_dav.storage.local.status import unmarked_time

_PIECE = 1 << 30  # bytes asked of the kernel at once
_SMALL = 16 * 1024  # bytes below which reading and writing takes less than asking the kernel for more


def size_of(folder: Folder, name: str, found: Found) -> int:
    """Bytes of a file, or of all files below a folder. Raises OSError."""
    if not found.status.is_folder:
        return found.status.size
    with folder.folder(name) as inner:
        return size_below(inner)


def copy_tree(source: Folder, name: str, target: Folder, target_name: str) -> int:
    """Copy a folder with all that can be served in it, syncing nothing; the bytes of all files in the copy.

    Raises OSError.
    """
    total = 0
    target.make_folder(target_name)
    with source.folder(name) as inner, target.folder(target_name) as made:
        for member, status in inner.quick_members():
            safe = shown(member)
            if safe is None:
                continue
            if stat.S_ISDIR(status.st_mode):
                total += copy_tree(inner, member, made, safe)
            else:
                total += _copied_size(copy_file(inner, member, made, safe))
    return total


def copy_file(source: Folder, name: str, target: Folder, target_name: str) -> int:
    """Copy a file with its time and checksums, syncing nothing; a descriptor of the copy. Raises OSError."""
    original = source.open_file(name)
    try:
        copied = target.create(target_name)
        try:
            copy_bytes(original, copied)
            status, record = status_of(original), read_record(original)
            modified = unmarked_time(status.modified)
            target.set_modified(target_name, modified)
            sums = record.sums_of(status)
            if sums:
                write_record(copied, Record(size=status.size, modified=modified, sums=sums))
        except BaseException:
            os.close(copied)
            raise
        return copied
    finally:
        os.close(original)


def copy_bytes(original: int, copied: int) -> None:
    """Copy all bytes of one open file to another, empty one. Raises OSError."""
    piece = os.read(original, _SMALL)
    if len(piece) == _SMALL:
        os.lseek(original, 0, os.SEEK_SET)
        _copy_large(original, copied)
    while piece and len(piece) < _SMALL:
        piece = piece[os.write(copied, piece) :]


if hasattr(os, "copy_file_range"):

    def _copy_large(original: int, copied: int) -> None:
        # Shares the blocks where the file system can, and stays in the kernel elsewhere.
        if shares_blocks(original, copied):
            return
        try:
            allocate(copied, os.fstat(original).st_size)
            while os.copy_file_range(original, copied, _PIECE):
                pass
        except OSError:
            if os.lseek(copied, 0, os.SEEK_CUR):
                raise
            _copy_by_hand(original, copied)

else:

    def _copy_large(original: int, copied: int) -> None:
        _copy_by_hand(original, copied)


def _copied_size(file: int) -> int:
    """The size of a copy, which needs its descriptor no more."""
    try:
        return os.fstat(file).st_size
    finally:
        os.close(file)


def _copy_by_hand(original: int, copied: int) -> None:
    with os.fdopen(os.dup(original), "rb") as reading, os.fdopen(os.dup(copied), "wb") as writing:
        shutil.copyfileobj(reading, writing, 256 * 1024)
