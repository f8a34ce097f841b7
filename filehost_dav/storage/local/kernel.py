"""The calls of the Linux kernel that Python does not offer, each with what to do where it is missing.

`open_beneath` resolves a whole path without following a symbolic link, in one call where the kernel
has openat2 and component by component elsewhere. `rename_new` and `exchange` are atomic.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache

_OPENAT2 = 437  # the same number on every architecture
_NO_SYMLINKS = 0x04
_BENEATH = 0x08
_NOREPLACE = 1
_EXCHANGE = 2
_NONE = (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG)


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(folder: int, path: str, flags: int) -> int:
    """A descriptor of `path` below `folder`; no symbolic link anywhere in it is followed.

    Raises OSError: ELOOP (or ENOTDIR, without openat2) for a symbolic link.
    """
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    call = _openat2()
    if call is None:
        return _open_walking(folder, path, flags)
    how = _How(flags, 0, _BENEATH | _NO_SYMLINKS)
    descriptor = call(_OPENAT2, folder, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    if descriptor < 0:
        _raise(path)
    return int(descriptor)


def rename_new(source_folder: int, source: str, target_folder: int, target: str) -> None:
    """Rename to a name at which nothing may be. Raises FileExistsError."""
    call = _renameat2()
    if call is None or call(source_folder, os.fsencode(source), target_folder, os.fsencode(target), _NOREPLACE):
        if call is not None and ctypes.get_errno() not in _NONE:
            _raise(target)
        _rename_checked(source_folder, source, target_folder, target)


def exchange(folder: int, one: str, other_folder: int, other: str) -> bool:
    """Swap two names in one step. False where the file system cannot."""
    call = _renameat2()
    if call is None:
        return False
    if call(folder, os.fsencode(one), other_folder, os.fsencode(other), _EXCHANGE):
        if ctypes.get_errno() in _NONE:
            return False
        _raise(other)
    return True


def _open_walking(folder: int, path: str, flags: int) -> int:
    *folders, last = path.split("/")
    current = folder
    try:
        for name in folders:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            if current != folder:
                os.close(current)
            current = inner
        return os.open(last, flags, dir_fd=current)
    finally:
        if current != folder:
            os.close(current)


def _rename_checked(source_folder: int, source: str, target_folder: int, target: str) -> None:
    # Nothing better exists here: the caller holds the user's lock, so only a person working on the
    # disk by hand could slip in between.
    try:
        os.stat(target, dir_fd=target_folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)


def _raise(path: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), path)


@cache
def _openat2() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    how = _How(os.O_RDONLY | os.O_CLOEXEC, 0, _NO_SYMLINKS)
    descriptor = call(_OPENAT2, -100, b".", ctypes.byref(how), ctypes.sizeof(how))
    if descriptor < 0:  # an older kernel, or a container that forbids the call
        return None
    os.close(descriptor)
    return call


@cache
def _renameat2() -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
