"""What has been beside the documents for too long is cleared.

Nothing on a file tells since when it waits: clients set times, and a rename keeps them. So each
sweep notes what it sees, and clears what an earlier one saw first longer ago than it may stay. What
waits in staging goes to the trash: it may be the only copy of somebody's work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from filehost_dav.paths import Area, FilePath
from filehost_dav.storage.aside import Aside
from filehost_dav.storage.marks import Marks
from filehost_dav.storage.tree import Entry, Tree

_ORPHAN: Final = 7 * 24 * 3600  # seconds for which attributes without their document stay
_APPLE_DOUBLE: Final = "._"


class Clearing:
    """The sweeps of one user's tree."""

    def __init__(self, tree: Tree, aside: Aside) -> None:
        self._tree = tree
        self._aside = aside
        self._notes = Marks(tree, "sweep")

    def sweep(self, now: int) -> None:
        """Clear what is due at `now` (seconds since the epoch) and note what else there is."""
        noted: dict[str, int] = json.loads(self._notes.get("seen") or "{}")
        seen: dict[str, int] = {}
        for entry, stay in list(self._passing()):
            since = noted.get(entry.id, now)
            if now - since < stay:
                seen[entry.id] = since
            elif self._aside.find(entry.path) is not None:  # not gone with its folder a moment ago
                self._clear(entry)
        if seen != noted:
            self._notes.set("seen", json.dumps(seen))
        self._aside.forget_all_but(set(seen))

    def _passing(self) -> Iterator[tuple[Entry, int]]:
        """Everything that may not stay for ever, with the seconds that it may."""
        age = self._aside.limits.age
        for entry in self._aside.staged():
            yield entry, age
        for entry in self._aside.side_files():
            if self._aside.is_marker(entry):
                yield entry, age
            elif self._is_orphan(entry.path):
                yield entry, _ORPHAN

    def _is_orphan(self, path: FilePath) -> bool:
        """Whether the document, or the folder, that a side file belongs to is gone."""
        if path.name.startswith(_APPLE_DOUBLE):
            document = path.parent.in_area(Area.FILES) / path.name.removeprefix(_APPLE_DOUBLE)
            return self._aside.find(self._aside.place(document)) is None
        return False

    def _clear(self, entry: Entry) -> None:
        if entry.path.area is Area.STAGING:
            self._aside.to_trash(entry)
        else:
            self._tree.delete(entry.path)
