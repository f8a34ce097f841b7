"""Earlier contents of files: rows that hold on to the blobs that an overwrite has replaced."""

from __future__ import annotations

from filehost_dav.errors import IsAFolder, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.storage.object.change import Change
from filehost_dav.storage.object.rows import Node, Queries, tag
from filehost_dav.storage.tree import Entry, Version, Written

_COLUMNS = "id, blob, size, modified, replaced"


def versions(rows: Queries, node: Node, path: FilePath) -> list[Version]:
    """The versions of a file, the newest first."""
    sql = f"SELECT {_COLUMNS} FROM version WHERE node = ? ORDER BY replaced DESC, id DESC"
    return [
        Version(name, path, replaced, size, modified, tag(node.id, blob))
        for name, blob, size, modified, replaced in rows.query(sql, (node.id,))
    ]


def find(rows: Queries, node: Node, path: FilePath, name: str) -> tuple[Entry, str]:
    """A version as an Entry, and its blob. Raises NotFound."""
    found = rows.query(f"SELECT {_COLUMNS} FROM version WHERE node = ? AND id = ?", (node.id, name))
    if not found:
        raise NotFound("There is no such version")
    ((_, blob, size, modified, _replaced),) = found
    return Entry(path, False, size, modified, modified, tag(node.id, blob), name), blob


def restore(change: Change, path: FilePath, name: str) -> Written:
    """Today's content becomes a version, that version the content: nothing is counted anew."""
    chain, node = change.find(path)
    if node.folder:
        raise IsAFolder("This is a folder")
    earlier, blob = find(change.rows, node, path, name)
    change.keep(node, node)
    change.rows.execute("DELETE FROM version WHERE id = ?", (name,))
    change.kept -= earlier.size
    refilled = change.refill(node, blob, earlier.size, earlier.modified)
    change.release([node.blob])
    change.touch(chain[-1], chain)
    return Written(refilled.entry(path), created=False)


def purge(change: Change, path: FilePath, name: str) -> None:
    """Raises NotFound."""
    _, node = change.find(path)
    find(change.rows, node, path, name)
    change.drop_version(name)


def date(change: Change, path: FilePath, name: str, replaced: int) -> None:
    """Raises NotFound."""
    _, node = change.find(path)
    find(change.rows, node, path, name)
    change.rows.later("UPDATE version SET replaced = ? WHERE id = ?", (replaced, name))
