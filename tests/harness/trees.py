"""Shorthands for tests that speak to a Tree directly."""

from __future__ import annotations

from testbed.bodies import Bytes

from filehost_dav.paths import Area, FilePath
from filehost_dav.storage.tree import Body, Tree, Written


def at(text: str, area: Area = Area.FILES) -> FilePath:
    return FilePath.parse(text).in_area(area)


def put(tree: Tree, path: str, content: bytes) -> Written:
    body: Body = Bytes(content)
    return tree.write(at(path), body)


def read(tree: Tree, path: str) -> bytes:
    with tree.open(at(path)) as content:
        return b"".join(content.blocks(0, content.entry.size))


def names(tree: Tree, path: str = "/", area: Area = Area.FILES) -> set[str]:
    return {entry.path.name for entry in tree.list(at(path, area))}


def tree_of(tree: Tree, path: str = "/") -> dict[str, bytes | None]:
    """Everything below a folder: path → content, None for folders."""
    found: dict[str, bytes | None] = {}
    for entry in tree.list(at(path)):
        name = str(entry.path)
        found[name] = None if entry.is_folder else read(tree, name)
        if entry.is_folder:
            found.update(tree_of(tree, name))
    return found
