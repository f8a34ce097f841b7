"""Open folders: every name is resolved from a descriptor, so that no planted symbolic link is followed.

Methods take single names, or relative paths joined with slashes where they say so, as they are on
disk, and raise OSError.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from filehost_dav.storage.local import inotify
from filehost_dav.storage.local.kernel import (
    members_of,
    open_beneath,
    rename_new,
    status_at,
    status_of,
    sync_disk,
)
from filehost_dav.storage.local.status import Status

RESERVED = ".filehost-"  # begins the names of our own files among the users'

_FOLDER = getattr(os, "O_DIRECTORY", 0)
_SERVABLE = (stat.S_IFREG, stat.S_IFDIR)
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # opening a pipe must not wait for its other end
_POINT = getattr(os, "O_PATH", _READ)  # names it, and opens nothing
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Folder:
    """An open folder. Use it with `with`."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def at(cls, path: Path) -> Folder:
        """The folder at a path that is trusted: the root of the storage."""
        return cls(os.open(path, os.O_RDONLY | _FOLDER | os.O_CLOEXEC))

    def folder(self, relative: str) -> Folder:
        """The folder at `relative` below this one, open for everything."""
        return Folder(open_beneath(self._descriptor, relative, os.O_RDONLY | _FOLDER))

    def again(self) -> Folder:
        """Another descriptor of this folder."""
        return Folder(os.dup(self._descriptor))

    def status(self, name: str) -> Status | None:
        """What is at `name`, None when nothing is. A symbolic link is not followed."""
        return status_at(self._descriptor, name)

    def status_below(self, relative: str) -> Status:
        """What is at `relative`, in one step."""
        file = open_beneath(self._descriptor, relative, _POINT)
        try:
            return status_of(file)
        finally:
            os.close(file)

    def own_status(self) -> Status:
        return status_of(self._descriptor)

    def inode(self) -> int:
        """The number of this folder, which says in less time than a status whether two are the same."""
        return os.fstat(self._descriptor).st_ino

    def inode_at(self, relative: str) -> int | None:
        """The number of what is at `relative`, None when nothing is."""
        try:
            return os.stat(relative, dir_fd=self._descriptor, follow_symlinks=False).st_ino
        except FileNotFoundError:
            return None

    def open_file(self, relative: str) -> int:
        """A descriptor for reading of what is at `relative`, whatever it is; check what it is."""
        return open_beneath(self._descriptor, relative, _READ)

    def create(self, name: str) -> int:
        """A descriptor of a new file, for reading and writing."""
        return os.open(name, _CREATE, 0o666, dir_fd=self._descriptor)

    def open_own(self, relative: str, flags: int) -> int:
        """A descriptor of a file of our own bookkeeping, made when it is not there."""
        flags |= os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(relative, flags, 0o600, dir_fd=self._descriptor)

    def make_folder(self, name: str) -> None:
        os.mkdir(name, 0o777, dir_fd=self._descriptor)

    def remove_file(self, name: str) -> None:
        os.unlink(name, dir_fd=self._descriptor)

    def remove_folder(self, name: str) -> None:
        os.rmdir(name, dir_fd=self._descriptor)

    def rename(self, name: str, target: Folder, target_name: str) -> None:
        """Rename over the file that is at the target, in one step."""
        os.rename(name, target_name, src_dir_fd=self._descriptor, dst_dir_fd=target._descriptor)

    def rename_new(self, name: str, target: Folder, target_name: str) -> None:
        """Rename to where nothing is. Raises FileExistsError."""
        rename_new(self._descriptor, name, target._descriptor, target_name)

    def link(self, name: str, target: Folder, target_relative: str) -> None:
        """Give the file a second name."""
        os.link(
            name,
            target_relative,
            src_dir_fd=self._descriptor,
            dst_dir_fd=target._descriptor,
            follow_symlinks=False,
        )

    def set_modified(self, name: str, modified: int) -> None:
        os.utime(name, ns=(modified, modified), dir_fd=self._descriptor, follow_symlinks=False)

    def names(self) -> list[str]:
        return os.listdir(self._descriptor)

    def members(self) -> Iterator[tuple[str, Status]]:
        """Names and statuses of the files and folders here; vanished ones, links and devices are left out."""
        return (member for member in members_of(self._descriptor) if member[1].is_servable)

    def tells_all(self) -> bool:
        """Whether this machine's kernel knows of every change here."""
        return inotify.tells_all(self._descriptor)

    def watched_by(self, queue: inotify.Queue, mask: int) -> int:
        """The number under which `queue` tells of changes here from now on."""
        return queue.watch(self._descriptor, mask)

    def quick_members(self) -> Iterator[tuple[str, os.stat_result]]:
        """The same in less time, with what Python's own status tells: all but the time of birth."""
        # A descriptor of its own: reading the names by the other one would begin this pass again.
        with self.folder(".") as own, os.scandir(own._descriptor) as found:
            for member in found:
                try:
                    status = member.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_IFMT(status.st_mode) in _SERVABLE:
                    yield member.name, status

    def subfolders(self) -> list[str]:
        with self.folder(".") as own, os.scandir(own._descriptor) as found:
            return [member.name for member in found if member.is_dir(follow_symlinks=False)]

    def free(self) -> int:
        """Bytes that this program may still put on the disk."""
        found = os.statvfs(self._descriptor)
        return found.f_bavail * found.f_frsize

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def sync_disk(self) -> None:
        """Wait until everything on this file system is on the disk: for many files at once."""
        sync_disk(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def remove_tree(folder: Folder, name: str) -> None:
    """Remove a file, or a folder with all below it, without following links."""
    try:
        folder.remove_file(name)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.EPERM, errno.EACCES):
            raise
        # Another process may be removing the same.
        with contextlib.suppress(FileNotFoundError):
            with folder.folder(name) as inner:
                for member in inner.names():
                    remove_tree(inner, member)
            folder.remove_folder(name)


def make_folders(root: Folder, relative: str) -> None:
    """Make every missing folder of `relative` below `root`."""
    here = root.again()
    for name in relative.split("/"):
        with here:
            with contextlib.suppress(FileExistsError):
                here.make_folder(name)
            below = here.folder(name)
        here = below
    here.close()


def size_below(folder: Folder) -> int:
    """Bytes of all files below, without our own."""
    total = 0
    for name, status in folder.quick_members():
        if name.startswith(RESERVED):
            continue
        if stat.S_ISDIR(status.st_mode):
            try:
                inner = folder.folder(name)
            except FileNotFoundError:
                continue
            with inner:
                total += size_below(inner)
        else:
            total += status.st_size
    return total
