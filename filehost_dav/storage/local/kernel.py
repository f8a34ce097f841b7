"""The calls of the Linux kernel that Python does not offer, each with what to do where it is missing.

`open_beneath` resolves a whole path without following a symbolic link, in one call where the kernel
has openat2 and component by component elsewhere. `status_at` also tells when a file was born.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from filehost_dav.storage.local.status import Status, from_python

_OPENAT2 = 437  # the same number on every architecture
_NO_SYMLINKS = 0x04
_BENEATH = 0x08
_NOREPLACE = 1
_NOT_FOLLOWING = 0x100  # AT_SYMLINK_NOFOLLOW
_ITSELF = 0x1000  # AT_EMPTY_PATH
_BASIC_AND_BIRTH = 0xFFF
_STATX = struct.Struct("=I12xI8xH2xQQ32xqI4xqI4xqI4x")
_Statx = ctypes.c_char * 256
_KEEP_SIZE = 1
_MANY = 1 << 20  # bytes
_SHARE = 0x40049409  # FICLONE of <linux/fs.h>
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(folder: int, path: str, flags: int) -> int:
    """A descriptor of `path` below `folder`; no symbolic link anywhere in it is followed.

    Raises OSError: ELOOP (or ENOTDIR, without openat2) for a symbolic link.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    if "/" not in path:
        return os.open(path, flags, dir_fd=folder)
    call = _openat2()
    if call is None:
        return open_walking(folder, path, flags)
    descriptor = call(_OPENAT2, folder, os.fsencode(path), _how(flags), ctypes.sizeof(_How))
    if descriptor < 0:
        raise _error()
    return descriptor


def status_at(folder: int, name: str) -> Status | None:
    """The status of `name` in `folder`, not following a link; None when nothing is there. Raises OSError."""
    call = _statx()
    if call is None:
        try:
            return from_python(os.stat(name, dir_fd=folder, follow_symlinks=False))
        except FileNotFoundError:
            return None
    buffer = _Statx()
    if not call(folder, os.fsencode(name), _NOT_FOLLOWING, _BASIC_AND_BIRTH, buffer):
        return _as_status(_STATX.unpack_from(buffer))
    if ctypes.get_errno() == errno.ENOENT:
        return None
    raise _error()


def status_of(descriptor: int) -> Status:
    """The status of an open file or folder. Raises OSError."""
    call = _statx()
    if call is None:
        return from_python(os.fstat(descriptor))
    buffer = _Statx()
    if call(descriptor, b"", _ITSELF, _BASIC_AND_BIRTH, buffer):
        raise _error()
    return _as_status(_STATX.unpack_from(buffer))


def members_of(folder: int) -> Iterator[tuple[str, Status]]:
    """Names and statuses of all in an open folder; what vanishes meanwhile is left out. Raises OSError."""
    call = _statx()
    if call is None:
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                yield name, from_python(os.stat(name, dir_fd=folder, follow_symlinks=False))
        return
    buffer = _Statx()
    fill, unpack = partial(call, folder), partial(_STATX.unpack_from, buffer)
    for name in os.listdir(folder):
        if not fill(os.fsencode(name), _NOT_FOLLOWING, _BASIC_AND_BIRTH, buffer):
            yield name, _as_status(unpack())
        elif ctypes.get_errno() != errno.ENOENT:
            raise _error()


def rename_new(source_folder: int, source: str, target_folder: int, target: str) -> None:
    """Rename to a name at which nothing may be. Raises FileExistsError."""
    call = _renameat2()
    if call is not None:
        if not call(source_folder, os.fsencode(source), target_folder, os.fsencode(target), _NOREPLACE):
            return
        if ctypes.get_errno() not in _UNSUPPORTED:
            raise _error()
    rename_checked(source_folder, source, target_folder, target)


def allocate(file: int, size: int) -> None:
    """Claim room on the disk for `size` bytes of `file`, where the file system can and they are many: at once
    takes less time than page by page. Raises OSError when there is none.
    """
    if size >= _MANY:
        claim(file, size)


def claim(file: int, size: int) -> None:
    """The same, however few they are. Raises OSError when there is no room."""
    call = _fallocate()
    if call is None or not call(file, _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size)):
        return
    if ctypes.get_errno() not in _UNSUPPORTED:
        raise _error()


def shares_blocks(original: int, copied: int) -> bool:
    """Let an empty file hold the blocks of another one, until either changes; False where that cannot be."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        fcntl.ioctl(copied, _SHARE, original)
    except OSError:
        return False
    return True


def sync_disk(descriptor: int) -> None:
    """Wait until all of the file system of an open file or folder is on the disk. Raises OSError."""
    call = _syncfs()
    if call is None:
        os.sync()
    elif call(descriptor):
        raise _error()


def open_walking(folder: int, path: str, flags: int) -> int:
    """`open_beneath` for systems without openat2."""
    *folders, last = path.split("/")
    passing = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    current = os.dup(folder)
    try:
        for name in folders:
            inner = os.open(name, passing, dir_fd=current)
            os.close(current)
            current = inner
        return os.open(last, flags | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=current)
    finally:
        os.close(current)


def rename_checked(source_folder: int, source: str, target_folder: int, target: str) -> None:
    """`rename_new` for systems and file systems without renameat2."""
    # Nothing better exists here: the caller holds the user's lock, so only a person working on the
    # disk by hand could slip in between.
    try:
        os.stat(target, dir_fd=target_folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _as_status(fields: tuple[int, ...]) -> Status:
    _, links, mode, inode, size, born, born_ns, changed, changed_ns, modified, modified_ns = fields
    return Status(
        mode,
        inode,
        size,
        links,
        modified * 1_000_000_000 + modified_ns,
        changed * 1_000_000_000 + changed_ns,
        born * 1_000_000_000 + born_ns,
    )


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


@cache
def _how(flags: int) -> Any:
    """What openat2 is to do, which it only reads."""
    return ctypes.byref(_How(flags, 0, _BENEATH | _NO_SYMLINKS))


@cache
def _openat2() -> Callable[..., int] | None:
    call = _function("syscall")
    if call is None:
        return None
    call.restype = ctypes.c_long
    how = _How(os.O_RDONLY | os.O_CLOEXEC, 0, _NO_SYMLINKS)
    descriptor = call(_OPENAT2, -100, b".", ctypes.byref(how), ctypes.sizeof(how))
    if descriptor < 0:  # an older kernel, or a container that forbids the call
        return None
    os.close(descriptor)
    return call


@cache
def _statx() -> Callable[..., int] | None:
    return _function("statx")


@cache
def _renameat2() -> Callable[..., int] | None:
    return _function("renameat2")


@cache
def _fallocate() -> Callable[..., int] | None:
    return _function("fallocate")


@cache
def _syncfs() -> Callable[..., int] | None:
    return _function("syncfs")


def _function(name: str) -> ctypes._NamedFuncPointer | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)
