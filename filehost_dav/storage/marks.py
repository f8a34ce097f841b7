"""What must be remembered about single files, kept beside them in the user's own side store.

A mark is a small file named for the id of the file it speaks of, so that it survives every rename, a
crash and a restart, and needs no records elsewhere. Users cannot reach it: the policy refuses the name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from filehost_dav.errors import NotAFolder, NotFound
from filehost_dav.paths import Area, FilePath
from filehost_dav.storage.publish import BytesBody
from filehost_dav.storage.tree import Tree

PLACE: Final = FilePath((".filehost",), Area.SIDE)


class Marks:
    """Marks of one kind in one user's tree: id of a file → a short text."""

    def __init__(self, tree: Tree, kind: str) -> None:
        self._tree = tree
        self._folder = PLACE / kind

    def get(self, file_id: str) -> str | None:
        try:
            with self._tree.open(self._folder / file_id) as content:
                return b"".join(content.blocks(0, content.entry.size)).decode()
        except (NotFound, NotAFolder):
            return None

    def set(self, file_id: str, text: str) -> None:
        self._tree.write(self._folder / file_id, BytesBody(text.encode()))

    def drop(self, file_id: str) -> None:
        try:
            self._tree.delete(self._folder / file_id)
        except NotFound:
            return

    def __iter__(self) -> Iterator[str]:
        """The ids that are marked."""
        try:
            names = [entry.path.name for entry in self._tree.list(self._folder)]
        except (NotFound, NotAFolder):
            return iter(())
        return iter(names)
