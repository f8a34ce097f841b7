"""What the operating system reports, in the words of the contract: no message shows a disk path."""

from __future__ import annotations

import errno

from filehost_dav.errors import (
    BadPath,
    Exists,
    FilehostError,
    Full,
    IntoItself,
    IsAFolder,
    NotAFolder,
    NotFound,
    ParentMissing,
    QuotaExceeded,
    Unavailable,
)

_ABSENT = (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENODEV)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EBUSY)


class Translated:
    """`with Translated():` turns an OSError of the block into an error of the contract."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise as_contract(error) from error


class Placing:
    """The same where something new is made: what is not there is the folder for it."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise no_parent() from error
        if isinstance(error, OSError):
            raise as_contract(error) from error


def nothing_here() -> NotFound:
    return NotFound("There is nothing here")


def no_parent() -> ParentMissing:
    return ParentMissing("The folder does not exist")


def as_contract(error: OSError) -> FilehostError:
    """`error` in the words of the contract; the caller knows better for the way to a parent folder."""
    number = error.errno
    if number in _ABSENT:
        return nothing_here()
    if number in _FORBIDDEN:
        return Unavailable("The server may not change or read its own files at the moment", retry_after=60)
    if number in _EXHAUSTED:
        return Unavailable("The server is busy, try again in a moment", retry_after=2)
    return _lasting(number)


def _lasting(number: int | None) -> FilehostError:
    match number:
        case errno.ENOSPC:
            return Full("The server's disk is full")
        case errno.EDQUOT:
            return QuotaExceeded("The server's disk has no room left for this user")
        case errno.ENOTDIR:
            return NotAFolder("This is not a folder")
        case errno.EISDIR:
            return IsAFolder("This is a folder")
        case errno.EEXIST | errno.ENOTEMPTY:
            return Exists("Something is already there")
        case errno.EINVAL:
            return IntoItself("A folder cannot be put into itself")
        case errno.ENAMETOOLONG:
            return BadPath("The name is too long for the server's disk", rule="length")
        case errno.EILSEQ:
            return BadPath("The server's disk cannot hold this name", rule="characters")
        case _:
            return Unavailable("The server's disk does not answer as it should", retry_after=60)
