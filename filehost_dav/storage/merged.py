"""A scan of a folder's documents, followed by what is shown beside them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from filehost_dav.storage.tree import Entry, Scan


class MergedScan:
    """A Scan. What lies beside has no stamp: it is there for minutes, and not worth remembering."""

    def __init__(self, documents: Scan, beside: Sequence[Entry]) -> None:
        self.view: Hashable = documents.view
        self._documents = documents
        self._beside = {entry.path.name: entry for entry in beside}

    def __iter__(self) -> Iterator[tuple[str, int | None, Any]]:
        for member in self._documents:
            if member[0] not in self._beside:
                yield member
        for name, entry in self._beside.items():
            yield name, None, entry

    def describe(self, name: str, facts: Any) -> Entry | None:
        return self._beside.get(name) or self._documents.describe(name, facts)
