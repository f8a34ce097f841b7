"""Names that differ only by upper and lower case: Windows and macOS would take one file for the other.

To find such a twin the names of the folder must be known; they are remembered for a few folders as
long as the folder's ETag stays, and kept up with this process's own changes.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from filehost_dav.errors import NotAFolder, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import Tree

_REMEMBERED: Final = 32  # folders
_LARGE: Final = 2000  # names; reading so many again and again would slow a large upload down
_PATIENCE: Final = 2.0  # seconds for which a large folder is not read again, whoever changed it


@dataclass(slots=True)
class _Names:
    """What a folder held: casefolded name → the names that fold to it."""

    stamp: str
    read: float
    count: int
    folded: dict[str, set[str]]


class Siblings:
    """The names beside a name, for one user's tree."""

    def __init__(self, tree: Tree, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tree = tree
        self._clock = clock
        self._folders: OrderedDict[FilePath, _Names] = OrderedDict()
        self._lock = threading.Lock()

    def twin(self, path: FilePath) -> str | None:
        """The name in the same folder that differs from `path`'s by case alone, unless `path` exists too."""
        with self._lock:
            names = self._names(path.parent)
            alike = names.folded.get(path.name.casefold()) if names else None
            if not alike or path.name in alike:
                return None
            return min(alike)

    def added(self, path: FilePath) -> None:
        """`path` was made, or written, by this process just now."""
        with self._lock:
            names = self._folders.get(path.parent)
            if names is None:
                return
            names.folded.setdefault(path.name.casefold(), set()).add(path.name)
            names.count += 1
            self._renew(names, path.parent)

    def removed(self, path: FilePath) -> None:
        """`path` was deleted or moved away by this process just now."""
        with self._lock:
            names = self._folders.get(path.parent)
            if names is not None:
                names.folded.get(path.name.casefold(), set()).discard(path.name)
                self._renew(names, path.parent)
            for folder in [folder for folder in self._folders if folder.is_within(path)]:
                del self._folders[folder]

    def _names(self, folder: FilePath) -> _Names | None:
        try:
            stamp = self._tree.stat(folder).etag
            known = self._folders.get(folder)
            if known is None or not self._is_current(known, stamp):
                known = self._read(folder, stamp)
                self._folders[folder] = known
        except (NotFound, NotAFolder):
            return None
        self._folders.move_to_end(folder)
        if len(self._folders) > _REMEMBERED:
            self._folders.popitem(last=False)
        return known

    def _is_current(self, known: _Names, stamp: str) -> bool:
        if known.stamp == stamp:
            return True
        return known.count > _LARGE and self._clock() - known.read < _PATIENCE

    def _read(self, folder: FilePath, stamp: str) -> _Names:
        folded: dict[str, set[str]] = {}
        count = 0
        for entry in self._tree.list(folder):
            folded.setdefault(entry.path.name.casefold(), set()).add(entry.path.name)
            count += 1
        return _Names(stamp, self._clock(), count, folded)

    def _renew(self, names: _Names, folder: FilePath) -> None:
        try:
            names.stamp = self._tree.stat(folder).etag
        except (NotFound, NotAFolder):
            self._folders.pop(folder, None)
