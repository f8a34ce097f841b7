"""LocalTree: the contract of `storage.tree` on plain files.

Every change is prepared under a reserved name beside its target, then committed by one rename while
the user's lock is held: all processes' commits for one user happen one after the other, so that a
condition holds at the very moment of the change. Reading takes no lock.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from filehost_dav.errors import (
    BadPath,
    ConditionFailed,
    Exists,
    IntoItself,
    IsAFolder,
    NotFound,
    ParentMissing,
    Refused,
)
from filehost_dav.paths import Area, FilePath, safe_name
from filehost_dav.storage.local.content import LocalContent
from filehost_dav.storage.local.faults import as_contract, translated
from filehost_dav.storage.local.folders import (
    RESERVED,
    Folder,
    is_servable,
    make_folders,
    remove_tree,
)
from filehost_dav.storage.local.receiving import KNOWN, Receiver
from filehost_dav.storage.local.stamps import entry_of, unique_time
from filehost_dav.storage.tree import ANYTHING, Body, Condition, Entry, Scan, Trashed, Usage, Version, Written

AREAS = ("files", "side", "staging", "trash", "versions")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decided. Sizes in bytes."""

    quota: Callable[[str], int | None]
    durability: str
    largest: int | None
    floor: int


class LocalTree:
    """One user's files."""

    def __init__(self, root: Folder, user: str, rules: Rules) -> None:
        self._root = root
        self._user = user
        self._rules = rules

    def stat(self, path: FilePath) -> Entry:
        with translated():
            descriptor = self._open(path)
            try:
                status = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        if not is_servable(status):
            raise NotFound("There is nothing here")
        return entry_of(path, status)

    def list(self, folder: FilePath) -> Iterator[Entry]:
        with translated():
            opened = self._folder(folder)
        return self._members(opened, folder)

    def scan(self, folder: FilePath) -> Scan | None:
        return None

    def generation(self, folder: FilePath) -> Hashable | None:
        return None

    def open(self, path: FilePath) -> LocalContent:
        with translated():
            descriptor = self._open(path)
            try:
                return _content(path, descriptor)
            except BaseException:
                os.close(descriptor)
                raise

    def write(
        self,
        path: FilePath,
        body: Body,
        *,
        when: Condition = ANYTHING,
        modified: int | None = None,
        checksums: Mapping[str, str] | None = None,
        expected: int | None = None,
    ) -> Written:
        checksums = checksums or {}
        with translated(), self._parent(path) as parent:
            self._check_file_target(parent, path)
            name = _temporary()
            file = parent.create(name)
            try:
                algorithms = [known for known in KNOWN if known in checksums]
                receiver = Receiver(file, body, largest=self._rules.largest, algorithms=algorithms)
                receiver.receive()
                receiver.verify(checksums)
                if modified is not None:
                    parent.set_modified(name, unique_time(modified))
                if self._rules.durability != "none":
                    os.fdatasync(file)
                with self._lock():
                    created = self._replace(parent, name, path, when)
                status = os.fstat(file)
            except BaseException:
                _discard(parent, name)
                raise
            finally:
                os.close(file)
            if self._rules.durability != "none":
                parent.sync()
        return Written(entry_of(path, status), created)

    def make_folder(self, path: FilePath, *, when: Condition = ANYTHING) -> Entry:
        with translated(), self._parent(path) as parent, self._lock():
            present = _present(parent, path)
            if present is not None:
                raise Exists("Something is already there")
            _check(when, None)
            parent.make_folder(path.name)
            status = parent.status(path.name)
        if status is None:
            raise NotFound("There is nothing here")
        return entry_of(path, status)

    def copy(
        self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING, deep: bool = True
    ) -> Written:
        if target.is_within(source) or source.is_within(target):
            raise IntoItself("A folder cannot be copied into itself")
        with translated(), self._parent(source, make=False) as origin, self._parent(target) as parent:
            if origin.status(source.name) is None:
                raise NotFound("There is nothing here")
            name = _temporary()
            try:
                _copy(origin, source.name, parent, name, deep)
                with self._lock():
                    return self._settle(parent, name, parent, target, when)
            except BaseException:
                _discard(parent, name)
                raise

    def move(self, source: FilePath, target: FilePath, *, when: Condition = ANYTHING) -> Written:
        if target.is_within(source) or source.is_within(target):
            raise IntoItself("A folder cannot be moved into itself")
        with (
            translated(),
            self._parent(source, make=False) as origin,
            self._parent(target) as parent,
            self._lock(),
        ):
            if _present(origin, source) is None:
                raise NotFound("There is nothing here")
            return self._settle(origin, source.name, parent, target, when)

    def delete(self, path: FilePath, *, when: Condition = ANYTHING) -> Trashed | None:
        if path.is_root:
            raise Refused("The folder itself cannot be deleted", rule="root")
        with translated(), self._parent(path, make=False) as parent, self._lock():
            present = _present(parent, path)
            if present is None:
                raise NotFound("There is nothing here")
            _check(when, present)
            if path.area is Area.SIDE or (not present.is_folder and present.size == 0):
                remove_tree(parent, path.name)
                return None
            return self._discard_to_trash(parent, present)

    def set_modified(self, path: FilePath, modified: int) -> Entry:
        with translated(), self._parent(path, make=False) as parent:
            parent.set_modified(path.name, modified)
        return self.stat(path)

    def checksums(self, path: FilePath) -> Mapping[str, str]:
        self.stat(path)
        return {}

    def usage(self) -> Usage:
        with translated():
            free = shutil.disk_usage(self._root.descriptor).free
            used = sum(self._size(area.value) for area in Area)
        limit = self._rules.quota(self._user)
        room = max(0, free - self._rules.floor)
        return Usage(used, limit, room if limit is None else max(0, min(room, limit - used)))

    def trash(self) -> Iterator[Trashed]:
        return iter(())

    def restore(self, trash_id: str, target: FilePath | None = None) -> Written:
        raise NotFound("There is nothing here")

    def open_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> LocalContent:
        raise NotFound("There is nothing here")

    def list_trashed(self, trash_id: str, below: tuple[str, ...] = ()) -> Iterator[Entry]:
        raise NotFound("There is nothing here")

    def purge(self, trash_id: str) -> None:
        raise NotFound("There is nothing here")

    def versions(self, path: FilePath) -> Iterator[Version]:
        self.stat(path)
        return iter(())

    def open_version(self, path: FilePath, version_id: str) -> LocalContent:
        raise NotFound("There is nothing here")

    def restore_version(self, path: FilePath, version_id: str) -> Written:
        raise NotFound("There is nothing here")

    def purge_version(self, path: FilePath, version_id: str) -> None:
        raise NotFound("There is nothing here")

    def close(self) -> None:
        """Nothing is held between calls."""

    def _relative(self, path: FilePath) -> str:
        if any(part.startswith(RESERVED) for part in path.parts):
            raise NotFound("There is nothing here")
        return "/".join((path.area.value, self._user, *path.parts))

    def _folder(self, path: FilePath) -> Folder:
        return self._root.folder(self._relative(path))

    def _open(self, path: FilePath) -> int:
        with self._root.folder(self._relative(path.parent)) as parent:
            return parent.open_file(path.name or ".")

    @contextmanager
    def _parent(self, path: FilePath, *, make: bool = True) -> Iterator[Folder]:
        if path.name.startswith(RESERVED):
            raise Refused("This name is not allowed here", rule="name")
        if path.is_root:
            raise IsAFolder("This is a folder")
        try:
            if make and path.area is not Area.FILES:
                make_folders(self._root, self._relative(path.parent))
            folder = self._folder(path.parent)
        except OSError as error:
            raise as_contract(error, parent=make) from error
        except NotFound as error:
            raise ParentMissing("The folder does not exist") from error
        with folder:
            yield folder

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # A description of its own for each holder: flock excludes threads of one process too.
        with self._root.folder(f"files/{self._user}") as held:
            fcntl.flock(held.descriptor, fcntl.LOCK_EX)
            yield

    def _members(self, opened: Folder, folder: FilePath) -> Iterator[Entry]:
        with translated(), opened:
            for name, status in opened.members():
                if name.startswith(RESERVED):
                    continue
                try:
                    safe = safe_name(name)
                except BadPath:
                    continue
                yield entry_of(FilePath((*folder.parts, safe), folder.area), status)

    def _check_file_target(self, parent: Folder, path: FilePath) -> None:
        # Before a byte of the body is read; the commit asks again.
        present = _present(parent, path)
        if present is not None and present.is_folder:
            raise IsAFolder("This is a folder")

    def _replace(self, parent: Folder, name: str, path: FilePath, when: Condition) -> bool:
        present = _present(parent, path)
        if present is not None and present.is_folder:
            raise IsAFolder("This is a folder")
        _check(when, present)
        if present is None:
            parent.rename_new(name, parent, path.name)
        else:
            parent.rename(name, parent, path.name)
        return present is None

    def _settle(self, origin: Folder, name: str, parent: Folder, target: FilePath, when: Condition) -> Written:
        present = _present(parent, target)
        _check(when, present)
        if present is not None:
            if target.area is Area.FILES:
                self._discard_to_trash(parent, present)
            else:
                remove_tree(parent, target.name)
        origin.rename_new(name, parent, target.name)
        status = parent.status(target.name)
        if status is None:
            raise NotFound("There is nothing here")
        return Written(entry_of(target, status), present is None)

    def _discard_to_trash(self, parent: Folder, present: Entry) -> Trashed:
        now = time.time_ns()
        identity = f"{now}-{secrets.token_hex(4)}"
        with self._root.folder(f"trash/{self._user}") as trash:
            parent.rename_new(present.path.name, trash, identity)
        return Trashed(identity, present.path.in_area(Area.FILES), now, present, present.size)

    def _size(self, area: str) -> int:
        with self._root.folder(f"{area}/{self._user}") as folder:
            return _size_below(folder)


def _size_below(folder: Folder) -> int:
    total = 0
    for name, status in folder.members():
        if stat.S_ISDIR(status.st_mode):
            with folder.folder(name) as inner:
                total += _size_below(inner)
        else:
            total += status.st_size
    return total


def _present(parent: Folder, path: FilePath) -> Entry | None:
    status = parent.status(path.name)
    return None if status is None else entry_of(path, status)


def _check(when: Condition, present: Entry | None) -> None:
    if when.absent and present is not None:
        raise ConditionFailed("Something is already there")
    when.holds(present)


def _content(path: FilePath, descriptor: int) -> LocalContent:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise IsAFolder("This is a folder")
    if not is_servable(status):
        raise NotFound("There is nothing here")
    return LocalContent(entry_of(path, status), descriptor)


def _temporary() -> str:
    return RESERVED + secrets.token_hex(8)


def _discard(parent: Folder, name: str) -> None:
    if parent.status(name) is not None:
        remove_tree(parent, name)


def _copy(origin: Folder, name: str, parent: Folder, target: str, deep: bool) -> None:
    status = origin.status(name)
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        parent.make_folder(target)
        if deep:
            with origin.folder(name) as source, parent.folder(target) as copied:
                for member, _ in source.members():
                    if not member.startswith(RESERVED):
                        _copy(source, member, copied, member, deep)
    elif stat.S_ISREG(status.st_mode):
        _copy_file(origin, name, parent, target, status)


def _copy_file(origin: Folder, name: str, parent: Folder, target: str, status: os.stat_result) -> None:
    source = origin.open_file(name)
    try:
        copied = parent.create(target)
        try:
            while os.copy_file_range(source, copied, 1 << 30):
                pass
        finally:
            os.close(copied)
    finally:
        os.close(source)
    parent.set_modified(target, unique_time(status.st_mtime_ns))
