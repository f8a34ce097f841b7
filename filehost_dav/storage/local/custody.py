"""Custody: what the operator does with a whole local storage. Check, scrub, backup, restore, export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from filehost_dav.errors import Exists, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.storage.local.checking import Checker, Finding
from filehost_dav.storage.local.counting import count
from filehost_dav.storage.local.disk import CORNERS
from filehost_dav.storage.local.faults import Translated
from filehost_dav.storage.local.folders import Folder, make_folders, remove_tree
from filehost_dav.storage.local.mirroring import Copied, mirror
from filehost_dav.storage.local.plain import open_root
from filehost_dav.storage.local.scrubbing import Scrubbed, scrub
from filehost_dav.storage.local.storage import LocalStorage
from filehost_dav.storage.local.tree import LocalTree

_MARK = "filehost-backup"  # a file that says what the folder is; nothing else is ever cleared for a backup
_PASSES = 3  # over a storage in use, before writers wait for the last one


def inspect(storage: LocalStorage) -> Iterator[Finding]:
    """All that does not agree; nothing is changed. Raises Unavailable."""
    with Translated():
        for tree in _trees(storage):
            yield from Checker(tree.disk, tree.trash_can, tree.version_store).inspect()


def repair(storage: LocalStorage) -> Iterator[Finding]:
    """The same, mended where that needs no person's decision. Raises Unavailable."""
    with Translated():
        for tree in _trees(storage):
            yield from Checker(tree.disk, tree.trash_can, tree.version_store).repair()


def scrub_all(storage: LocalStorage) -> Iterator[Scrubbed]:
    """Read every file and compare it with its checksum, while the server runs. Raises Unavailable."""
    with Translated():
        for tree in _trees(storage):
            yield from scrub(tree.disk)


def total_size(storage: LocalStorage) -> int:
    """Bytes of all that there is: what a scrub or a first backup has to read. Raises Unavailable."""
    with Translated():
        return sum(sum(count(tree.disk)) for tree in _trees(storage))


def backup(storage: LocalStorage, target: Path) -> Iterator[Copied]:
    """Make or renew a mirror of all users in `target`, while the server runs. Raises Exists, Unavailable, Full.

    The mirror has the layout of a storage: a server can be started on it. Each user's part is as of one
    moment: passes without a lock until nothing changes between two, or else one while writers wait.
    """
    with Translated():
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()) and not (target / _MARK).exists():
            raise Exists("The folder for a backup must be empty, or hold an earlier backup")
        (target / _MARK).touch()
        with open_root(target) as folder:
            users = list(storage.users())
            for user in users:
                yield from _mirror_user(storage.tree(user), folder)
            _forget_others(folder, set(users))


def restore(source: Path, root: Path) -> Iterator[Copied]:
    """Fill an empty storage at `root` from a backup, with no server running. Raises NotFound, Exists."""
    if not (source / _MARK).exists() and not (source / "files").is_dir():
        raise NotFound("There is no backup at this place")
    if any((root / corner).is_dir() and any((root / corner).iterdir()) for corner in CORNERS):
        raise Exists("There are files already; restore into an empty folder")
    with Translated():
        root.mkdir(parents=True, exist_ok=True)
        with open_root(source) as original, open_root(root) as target:
            for corner in CORNERS:
                if original.status(corner) is None:
                    continue
                make_folders(target, corner)
                with original.folder(corner) as here, target.folder(corner) as there:
                    yield from mirror(here, there, f"/{corner}")


def export(storage: LocalStorage, user: str, target: Path) -> Iterator[Copied]:
    """Copy one user's files, trash and versions to `target`, as plain files, if any. Raises Exists."""
    if target.exists() and any(target.iterdir()):
        raise Exists("The folder for the export must be empty")
    tree = storage.tree(user)
    with Translated():
        for name in ("files", "trash", "versions"):
            (target / name).mkdir(parents=True, exist_ok=True)
        with tree.disk.corner("files") as files, open_root(target / "files") as copied:
            yield from mirror(files, copied, "/files")
        with tree.disk.corner("trash") as trash, open_root(target / "trash") as copied:
            yield from mirror(trash, copied, "/trash")
    yield from _export_versions(tree, FilePath.root(), target / "versions")


def _trees(storage: LocalStorage) -> Iterator[LocalTree]:
    return (storage.tree(user) for user in storage.users())


def _mirror_user(tree: LocalTree, target: Folder) -> Iterator[Copied]:
    ledger = tree.disk.ledger
    for _ in range(_PASSES):
        before = ledger.glance().changes
        yield from _pass(tree, target)
        if ledger.glance().changes == before:
            return
    with ledger.locked():
        yield from _pass(tree, target)


def _pass(tree: LocalTree, target: Folder) -> Iterator[Copied]:
    for corner in CORNERS:
        relative = f"{corner}/{tree.disk.user}"
        make_folders(target, relative)
        with tree.disk.corner(corner) as here, target.folder(relative) as there:
            yield from mirror(here, there, f"/{relative}")


def _forget_others(target: Folder, users: set[str]) -> None:
    for corner in CORNERS:
        if target.status(corner) is None:
            continue
        with target.folder(corner) as folder:
            for name in folder.names():
                if name not in users:
                    remove_tree(folder, name)


def _export_versions(tree: LocalTree, folder: FilePath, target: Path) -> Iterator[Copied]:
    for entry in tree.list(folder):
        if entry.is_folder:
            yield from _export_versions(tree, entry.path, target / entry.path.name)
            continue
        for version in tree.versions(entry.path):
            place = target / entry.path.name
            place.mkdir(parents=True, exist_ok=True)
            name = f"{version.replaced}.{entry.path.extension or 'bin'}"
            with (
                Translated(),
                tree.open_version(entry.path, version.id) as content,
                (place / name).open("xb") as file,
            ):
                file.writelines(content.blocks(0, content.entry.size))
            yield Copied(f"/versions{entry.path}", version.size)
