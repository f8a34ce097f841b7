"""Open folders: every name is resolved from a descriptor, so that no planted symbolic link is followed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from filehost_dav.storage.local.kernel import open_beneath, rename_new

RESERVED = ".filehost-"  # names of ours between the users': temporary files
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


class Folder:
    """An open folder. Use it with `with`; its methods take single names and raise OSError."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def at(cls, path: Path) -> Folder:
        """The folder at a path that is trusted: the root of the storage."""
        return cls(os.open(path, _FOLDER | os.O_CLOEXEC))

    def folder(self, relative: str) -> Folder:
        """The folder at `relative` (names joined with slashes) below this one."""
        return Folder(open_beneath(self.descriptor, relative, _FOLDER))

    def status(self, name: str) -> os.stat_result | None:
        """What is at `name`, None when nothing is. A symbolic link is not followed."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def own_status(self) -> os.stat_result:
        return os.fstat(self.descriptor)

    def open_file(self, name: str) -> int:
        """A descriptor for reading; a FIFO does not block."""
        return os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.descriptor)

    def create(self, name: str) -> int:
        """A descriptor of a new file, for reading and writing."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, 0o666, dir_fd=self.descriptor)

    def make_folder(self, name: str) -> None:
        os.mkdir(name, 0o777, dir_fd=self.descriptor)

    def remove_file(self, name: str) -> None:
        os.unlink(name, dir_fd=self.descriptor)

    def remove_folder(self, name: str) -> None:
        os.rmdir(name, dir_fd=self.descriptor)

    def rename(self, name: str, target: Folder, target_name: str) -> None:
        """Rename over what is at the target, in one step."""
        os.rename(name, target_name, src_dir_fd=self.descriptor, dst_dir_fd=target.descriptor)

    def rename_new(self, name: str, target: Folder, target_name: str) -> None:
        """Rename to where nothing is. Raises FileExistsError."""
        rename_new(self.descriptor, name, target.descriptor, target_name)

    def set_modified(self, name: str, modified: int) -> None:
        os.utime(name, ns=(modified, modified), dir_fd=self.descriptor, follow_symlinks=False)

    def sync(self) -> None:
        os.fsync(self.descriptor)

    def members(self) -> Iterator[tuple[str, os.stat_result]]:
        """Names and statuses of the files and folders here; vanished ones, links and devices are left out."""
        with os.scandir(self.descriptor) as found:
            for member in found:
                try:
                    status = member.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if is_servable(status):
                    yield member.name, status

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_servable(status: os.stat_result) -> bool:
    """Regular files and folders are; links, pipes, sockets and devices are not."""
    return stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)


def remove_tree(folder: Folder, name: str) -> None:
    """Remove a file, or a folder with all below it, without following links."""
    try:
        folder.remove_file(name)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.EPERM):
            raise
        with folder.folder(name) as inner:
            for member in os.listdir(inner.descriptor):
                remove_tree(inner, member)
        folder.remove_folder(name)


def make_folders(root: Folder, relative: str) -> None:
    """Make every missing folder of `relative` below `root`."""
    here = Folder(os.dup(root.descriptor))
    for name in relative.split("/"):
        with here:
            with contextlib.suppress(FileExistsError):
                here.make_folder(name)
            below = here.folder(name)
        here = below
    here.close()
