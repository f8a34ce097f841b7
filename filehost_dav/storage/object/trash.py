"""The trash of object storage: nodes below a root of their own, with a row each that tells where they were."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from filehost_dav.errors import Exists, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.storage.object.change import Change
from filehost_dav.storage.object.rows import COLUMNS, Node, Queries, Root, walk
from filehost_dav.storage.tree import Trashed, Written


def trashed(rows: Queries, user: str) -> Iterator[Trashed]:
    """What was deleted, the newest first."""
    sql = f"""WITH RECURSIVE below(top, id, size) AS (
            SELECT node.id, node.id, node.size FROM space
                JOIN trash ON trash.space = space.id JOIN node ON node.id = trash.node WHERE space.name = ?
            UNION ALL SELECT below.top, node.id, node.size FROM below JOIN node ON node.parent = below.id),
        total(top, size) AS (SELECT top, SUM(size) FROM below GROUP BY top)
        SELECT trash.id, trash.origin, trash.deleted, total.size, {COLUMNS} FROM total
            JOIN node ON node.id = total.top JOIN trash ON trash.node = node.id ORDER BY trash.deleted DESC"""
    for name, origin, deleted, size, *node in rows.query(sql, (user,)):
        path = FilePath(tuple(origin.split("/")))
        yield Trashed(name, path, deleted, Node(*node).entry(path), int(size))


def find(rows: Queries, user: str, name: str, below: tuple[str, ...]) -> Node:
    """A node of the trash. Raises NotFound."""
    chain = walk(rows, user, Root.TRASH, (name, *below))
    if len(chain) != len(below) + 2:
        raise NotFound("There is nothing like this in the trash")
    return chain[-1]


def restore(change: Change, name: str, target: FilePath | None) -> Written:
    """Bring back to the origin, or to `target`. Raises NotFound, Exists, ParentMissing."""
    node = find(change.rows, change.user, name, ())
    ((origin,),) = change.rows.query("SELECT origin FROM trash WHERE id = ?", (name,))
    target = target or FilePath(tuple(origin.split("/")))
    chain, present = change.place(target)
    if present is not None:
        free = _free_name(change, chain[-1], target.name)
        raise Exists(f"There is already something at this place; {free} is free")
    change.take_back(name, node)
    node = change.move(node, chain[-1].id, target.name)
    change.touch(chain[-1], chain)
    return Written(node.entry(target), created=True)


def date(change: Change, name: str, deleted: int) -> None:
    """Raises NotFound."""
    find(change.rows, change.user, name, ())
    change.rows.later("UPDATE trash SET deleted = ? WHERE id = ?", (deleted, name))


def _free_name(change: Change, folder: Node, name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    taken = {member for (member,) in change.rows.query("SELECT name FROM node WHERE parent = ?", (folder.id,))}
    marks = itertools.chain([" (restored)"], (f" (restored {number})" for number in itertools.count(2)))
    return next(free for mark in marks if (free := f"{stem}{mark}{dot}{extension}") not in taken)
