"""LocalStorage: all users' trees below one folder of the local disk.

files/<user>/     what users see, plain files under their own names
side/, staging/   side files and unfinished uploads, in folders that mirror those of files
trash/, versions/ what was deleted and replaced
ledger/<user>     the user's lock and figures
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from filehost_dav.errors import FilehostError
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Statement
from filehost_dav.storage.local.disk import CORNERS, LEDGERS, TRASH, Disk
from filehost_dav.storage.local.faults import Translated
from filehost_dav.storage.local.folders import RESERVED, Folder, make_folders, remove_tree
from filehost_dav.storage.local.late import LateChecksums
from filehost_dav.storage.local.ledger import Ledger
from filehost_dav.storage.local.plain import open_root
from filehost_dav.storage.local.record import Record, write_record
from filehost_dav.storage.local.rules import Retention, Rules
from filehost_dav.storage.local.spelling import Spellings
from filehost_dav.storage.local.sweeping import sweep
from filehost_dav.storage.local.tree import LocalTree
from filehost_dav.storage.local.twins import Twins
from filehost_dav.storage.local.watch import Watches
from filehost_dav.storage.tree import Totals


def _no_quota(_user: str) -> int | None:
    return None


class LocalStorage:
    """Storage in plain folders."""

    def __init__(  # noqa: PLR0913 - each is a decision of the operator's
        self,
        root: Path,
        *,
        quota: Callable[[str], int | None] = _no_quota,
        durability: str = "data",
        largest: int | None = None,
        floor: int = 0,
        retention: Retention | None = Retention(),  # noqa: B008 - a frozen value
        clock: Callable[[], int] | None = None,
        watch: bool = True,
        open_root: Callable[[Path], Folder] = open_root,
    ) -> None:
        """`quota` gives a user's limit in bytes; `largest` limits one file; `floor` is free disk to keep.
        `retention` says how long deleted and replaced things are kept; None: not at all.

        `durability` says what survives the machine losing power, once a call has returned. `none`:
        whatever the system has written by then. `data`: every upload and copy, and the names in the
        folder that was changed. `full`: also what was moved away, into the trash and among the versions.
        A kill of the program loses nothing in any of them. `watch`: whether the system may be asked to
        tell of changes in listed folders. `open_root` gives access to the disk. Raises OSError when `root`
        cannot be used.
        """
        root.mkdir(parents=True, exist_ok=True)
        rules = Rules(quota, durability, largest, floor, retention)
        self._rules = rules if clock is None else Rules(quota, durability, largest, floor, retention, clock)
        self._root = open_root(root)
        for corner in (*CORNERS, LEDGERS):
            make_folders(self._root, corner)
        self._follow_records = _keeps_records(self._root)
        self._spellings = Spellings()
        self._twins = Twins()
        self._watches = Watches() if watch else None
        self.late = LateChecksums()
        self._trees: dict[str, LocalTree] = {}

    def tree(self, user: str) -> LocalTree:
        tree = self._trees.get(user)
        if tree is None:
            disk = Disk(self._root, user, self._rules, self._spellings, self._twins)
            with Translated():
                disk.make()
            tree = self._trees[user] = LocalTree(
                disk, self.late, follow_records=self._follow_records, watches=self._watches
            )
        return tree

    def users(self) -> Iterator[str]:
        """The names of all who have files here. Raises Unavailable."""
        with Translated(), self._root.folder("files") as folder:
            return iter(sorted(name for name, status in folder.members() if status.is_folder))

    def looking(self, user: str, path: FilePath) -> Iterable[Statement]:
        return ()

    def listing(self, user: str, folder: FilePath) -> Iterable[Statement]:
        return ()

    def writing(self, user: str, path: FilePath) -> Iterable[Statement]:
        return ()

    def remove(self, user: str) -> None:
        self._trees.pop(user, None)
        with Translated():
            for corner in CORNERS:
                with self._root.folder(corner) as folder:
                    remove_tree(folder, user)
            with self._root.folder(LEDGERS) as ledgers:
                remove_tree(ledgers, user)

    def totals(self) -> Totals:
        used = kept = trashed = 0
        for user in self.users():
            with Translated():
                account = Ledger(self._root, f"{LEDGERS}/{user}").glance()
                used, kept = used + account.live, kept + account.kept
                with contextlib.suppress(FileNotFoundError), self._root.folder(f"{TRASH}/{user}") as folder:
                    trashed += sum(not name.startswith(RESERVED) for name in folder.names())
        return Totals(used, kept, trashed)

    def sweep(self) -> None:
        """As the contract says. Trouble with one user's files does not keep it from the others'; it is raised
        at the end.
        """
        trouble: FilehostError | None = None
        for user in self.users():
            tree = self.tree(user)
            try:
                with Translated():
                    sweep(tree.disk, tree.trash_can, tree.version_store)
            except FilehostError as error:
                trouble = error
        if trouble is not None:
            raise trouble

    def close(self) -> None:
        self.late.stop()
        self._twins.close()
        self._root.close()
        if self._watches is not None:
            self._watches.close()


def _keeps_records(root: Folder) -> bool:
    """Whether files on this file system can have records; without them, versions go by path."""
    with root.folder(LEDGERS) as folder:
        name = f"{RESERVED}probe-{os.getpid()}"
        with contextlib.suppress(FileExistsError):
            os.close(folder.create(name))
        file = folder.open_file(name)
        try:
            return write_record(file, Record(id="probe"))
        finally:
            os.close(file)
            with contextlib.suppress(FileNotFoundError):
                folder.remove_file(name)
