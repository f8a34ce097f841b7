"""LocalStorage: all users' trees below one folder of the local disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filehost_dav.storage.local.faults import translated
from filehost_dav.storage.local.folders import Folder, make_folders, remove_tree
from filehost_dav.storage.local.tree import AREAS, LocalTree, Rules


def _no_quota(_user: str) -> int | None:
    return None


class LocalStorage:
    """Storage in plain folders: `files/<user>/…` and, beside it, side files, staging, trash, versions."""

    def __init__(
        self,
        root: Path,
        *,
        quota: Callable[[str], int | None] = _no_quota,
        durability: str = "data",
        largest: int | None = None,
        floor: int = 0,
    ) -> None:
        """`quota` gives a user's limit in bytes; `largest` limits one file; `floor` is free disk to keep.

        `durability`: what survives the machine losing power when a call has returned. `none`: what the
        system has written by then; `data`: every upload; `full`: every change.
        """
        root.mkdir(parents=True, exist_ok=True)
        self._root = Folder.at(root)
        self._rules = Rules(quota=quota, durability=durability, largest=largest, floor=floor)
        self._trees: dict[str, LocalTree] = {}

    def tree(self, user: str) -> LocalTree:
        tree = self._trees.get(user)
        if tree is None:
            with translated():
                for area in AREAS:
                    make_folders(self._root, f"{area}/{user}")
            tree = self._trees[user] = LocalTree(self._root, user, self._rules)
        return tree

    def remove(self, user: str) -> None:
        self._trees.pop(user, None)
        with translated():
            for area in AREAS:
                with self._root.folder(area) as folder:
                    if folder.status(user) is not None:
                        remove_tree(folder, user)

    def sweep(self) -> None:
        """Nothing is kept yet that could expire."""

    def close(self) -> None:
        self._root.close()
