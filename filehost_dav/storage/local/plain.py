"""Folders by their paths, for systems without directory descriptors (Windows).

Every part of a path is looked at before it is used, so a link that lies there is not followed. One that
is put there in between is: whoever can do that already writes to the server's disk.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from filehost_dav.storage.local import inotify
from filehost_dav.storage.local.folders import Folder
from filehost_dav.storage.local.status import Status, from_python

_BINARY = getattr(os, "O_BINARY", 0)  # or Windows would change line ends
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


class PlainFolder(Folder):
    """A Folder that holds a path instead of a descriptor."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        super().__init__(-1)
        self._path = path

    @classmethod
    def at(cls, path: Path) -> Folder:
        return cls(path)

    def folder(self, relative: str) -> Folder:
        path = self._resolved(relative)
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return type(self)(path)

    def again(self) -> Folder:
        return type(self)(self._path)

    def status(self, name: str) -> Status | None:
        try:
            return from_python(os.lstat(self._path / name))
        except FileNotFoundError:
            return None

    def status_below(self, relative: str) -> Status:
        return from_python(os.lstat(self._resolved(relative)))

    def own_status(self) -> Status:
        return from_python(os.lstat(self._path))

    def inode(self) -> int:
        return self.own_status().inode

    def inode_at(self, relative: str) -> int | None:
        status = self.status(relative)
        return None if status is None else status.inode

    def open_file(self, relative: str) -> int:
        path = self._resolved(relative)
        if stat.S_ISDIR(os.lstat(path).st_mode) and os.name == "nt":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return os.open(path, os.O_RDONLY | _BINARY | _NO_FOLLOW | _NO_WAIT)

    def create(self, name: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY | _NO_FOLLOW
        return os.open(self._path / name, flags, 0o666)

    def open_own(self, relative: str, flags: int) -> int:
        return os.open(self._path / relative, flags | os.O_CREAT | _BINARY | _NO_FOLLOW, 0o600)

    def make_folder(self, name: str) -> None:
        (self._path / name).mkdir()

    def remove_file(self, name: str) -> None:
        os.unlink(self._path / name)

    def remove_folder(self, name: str) -> None:
        os.rmdir(self._path / name)

    def rename(self, name: str, target: Folder, target_name: str) -> None:
        os.replace(self._path / name, _place(target, target_name))

    def rename_new(self, name: str, target: Folder, target_name: str) -> None:
        # The user's lock is held: only a person at the disk could come in between.
        place = _place(target, target_name)
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        os.rename(self._path / name, place)

    def link(self, name: str, target: Folder, target_relative: str) -> None:
        os.link(self._path / name, _place(target, target_relative))

    def set_modified(self, name: str, modified: int) -> None:
        os.utime(self._path / name, ns=(modified, modified))

    def names(self) -> list[str]:
        return os.listdir(self._path)

    def members(self) -> Iterator[tuple[str, Status]]:
        for name in self.names():
            status = self.status(name)
            if status is not None and status.is_servable:
                yield name, status

    def quick_members(self) -> Iterator[tuple[str, os.stat_result]]:
        for name in self.names():
            try:
                status = os.lstat(self._path / name)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                yield name, status

    def subfolders(self) -> list[str]:
        return [name for name, status in self.members() if status.is_folder]

    def tells_all(self) -> bool:
        return False

    def watched_by(self, queue: inotify.Queue, mask: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def free(self) -> int:
        return shutil.disk_usage(self._path).free

    def sync(self) -> None:
        """A folder cannot be synced by its path; the file system's own journal has to do."""

    def sync_disk(self) -> None:
        if hasattr(os, "sync"):
            os.sync()

    def close(self) -> None:
        """Nothing is held."""

    def _resolved(self, relative: str) -> Path:
        path = self._path
        for name in relative.split("/"):
            path = path / name
            if path.is_symlink() or _is_junction(path):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return path


def open_root(path: Path) -> Folder:
    """The root of a storage, by the safest means that this system has. Raises OSError."""
    by_descriptor = os.open in os.supports_dir_fd and os.listdir in os.supports_fd
    return Folder.at(path) if by_descriptor else PlainFolder.at(path)


def _place(folder: Folder, relative: str) -> Path:
    assert isinstance(folder, PlainFolder), "Folders of one storage are of one kind"
    return folder._path / relative


def _is_junction(path: Path) -> bool:
    # A link of Windows between folders, which is no symbolic link to Python before 3.12.
    attributes = getattr(os.lstat(path), "st_file_attributes", 0) if os.path.lexists(path) else 0
    return bool(attributes & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0x400))
