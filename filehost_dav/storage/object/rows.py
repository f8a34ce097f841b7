"""The rows that make a tree, and the queries that read them.

A space is one user's part of everything. A node is a file or a folder; its path is not stored, so
that a folder moves by one row. A space's nodes have ids of one range, which begins with the roots:
one for each area, one whose members are the trash, one whose members wait for the cleaner. A blob is
a content; any number of nodes and versions share it, and it is dead when none does. Names are in
NFC (FilePath sees to it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

from filehost_dav.paths import Area, FilePath
from filehost_dav.state.database import Row, Statement
from filehost_dav.storage.tree import Entry

RANGE: Final = 1 << 40  # ids of one space: space * RANGE … (space + 1) * RANGE - 1
FIRST: Final = 16  # the first id in a space's range that is not kept for roots

# The ids of a node and everything below it, as a subquery with that node's id for its parameter.
BELOW: Final = """WITH RECURSIVE below(id) AS (
    SELECT CAST(? AS BIGINT) UNION ALL SELECT node.id FROM below JOIN node ON node.parent = below.id)
    SELECT id FROM below"""


class Root(IntEnum):
    """Where in a space's range the roots are."""

    FILES = 1
    SIDE = 2
    STAGING = 3
    TRASH = 4
    DOOMED = 5


class State(IntEnum):
    """What a blob is: on its way, in use, or left for the cleaner."""

    ARRIVING = 0
    LIVE = 1
    DEAD = 2


class Node(NamedTuple):
    """A row of `node`. Times in nanoseconds; `blob` is None for folders."""

    id: int
    parent: int | None
    name: str
    folder: int
    blob: str | None
    size: int
    modified: int
    created: int
    change: int

    @property
    def space(self) -> int:
        return self.id // RANGE

    def entry(self, path: FilePath) -> Entry:
        """The contract's view of this row. A file's ETag is its own for each content, the same after MOVE."""
        etag = f'"{self.id:x}-{self.change:x}"' if self.blob is None else tag(self.id, self.blob)
        return Entry(path, bool(self.folder), self.size, self.modified, self.created, etag, f"{self.id:x}")


_WIDTH: Final = len(Node._fields)
_JOINED: Final = 6  # names in a path that is walked by joins
COLUMNS: Final = ", ".join(f"node.{column}" for column in Node._fields)


class Queries(Protocol):
    """A Database, or a Transaction of it."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]: ...


def tag(node: int, blob: str) -> str:
    """The ETag of a file, with a content that copies of it may share."""
    return f'"{blob}-{node:x}"'


def root_of(area: Area) -> Root:
    """The root of an area of a user's place."""
    return Root[area.name]


def walk(rows: Queries, user: str, root: Root, parts: Sequence[str]) -> list[Node]:
    """The nodes from the root down the path, as far as it exists; empty when the user has no tree yet."""
    found = rows.query(*walking(user, root, parts))
    if len(parts) > _JOINED or not found:
        return [Node(*row) for row in found]
    (row,) = found  # one node after the other, without a value from where there is none
    nodes = (row[start : start + _WIDTH] for start in range(0, len(row), _WIDTH))
    return [Node(*node) for node in nodes if node[0] is not None]


def walking(user: str, root: Root, parts: Sequence[str]) -> Statement:
    """The question that `walk` puts."""
    if len(parts) > _JOINED:
        return Statement(_walk(len(parts)), (*parts, int(root), user))
    return Statement(_join(len(parts)), (int(root), *parts, user))


def walk_listing(rows: Queries, user: str, root: Root, parts: Sequence[str]) -> list[Node]:
    """The node at the path, then its members; empty when nothing is there."""
    return [Node(*row) for row in rows.query(*walking_listing(user, root, parts))]


def walking_listing(user: str, root: Root, parts: Sequence[str]) -> Statement:
    """The question that `walk_listing` puts."""
    return Statement(_listing(len(parts)), (*parts, int(root), user))


def walk_alike(rows: Queries, user: str, path: FilePath) -> list[str]:
    """The names in the same folder that are like the path's but for their case, its own included."""
    return [name for (name,) in rows.query(*walking_alike(user, path))]


def walking_alike(user: str, path: FilePath) -> Statement:
    """The question that `walk_alike` puts."""
    above = path.parts[:-1]
    return Statement(_alike(len(above)), (*above, int(root_of(path.area)), user, path.name.casefold()))


def asked_of_target(user: str, path: FilePath) -> Iterator[Statement]:
    """What is asked of a place where something is to come."""
    yield walking(user, root_of(path.area), path.parts)
    if path.area is Area.FILES and not path.is_root:
        yield walking_alike(user, path)


def below(rows: Queries, node: int) -> Iterator[Node]:
    """A node and everything below it, each folder before its members."""
    sql = f"""WITH RECURSIVE below(depth, id) AS (
            SELECT 0, CAST(? AS BIGINT)
            UNION ALL SELECT below.depth + 1, node.id FROM below JOIN node ON node.parent = below.id)
        SELECT {COLUMNS} FROM below JOIN node ON node.id = below.id ORDER BY below.depth"""
    return (Node(*row) for row in rows.query(sql, (node,)))


def size_below(rows: Queries, node: int) -> tuple[int, int]:
    """Bytes of the node with everything below, and of all their versions."""
    sql = """WITH RECURSIVE below(id, size) AS (
            SELECT id, size FROM node WHERE id = ?
            UNION ALL SELECT node.id, node.size FROM below JOIN node ON node.parent = below.id)
        SELECT COALESCE((SELECT SUM(size) FROM below), 0),
            COALESCE((SELECT SUM(version.size) FROM below JOIN version ON version.node = below.id), 0)"""
    ((sizes, versions),) = rows.query(sql, (node,))
    return int(sizes), int(versions)


@lru_cache
def _join(depth: int) -> str:
    """As `_walk`, all in one row: where a path is short, PostgreSQL takes a third of the time for it."""
    columns = ", ".join(f"n{step}.{column}" for step in range(depth + 1) for column in Node._fields)
    steps = "".join(
        f" LEFT JOIN node AS n{step} ON n{step}.parent = n{step - 1}.id AND n{step}.name = CAST(? AS TEXT)"
        for step in range(1, depth + 1)
    )
    start = f"space JOIN node AS n0 ON n0.id = space.id * {RANGE} + CAST(? AS BIGINT)"
    return f"SELECT {columns} FROM {start}{steps} WHERE space.name = ?"


@lru_cache(maxsize=256)
def _walk(depth: int) -> str:
    return f"{_steps(depth)} SELECT {COLUMNS} FROM walk JOIN node ON node.id = walk.id ORDER BY walk.depth"


@lru_cache(maxsize=256)
def _listing(depth: int) -> str:
    return f"""{_steps(depth)}
        SELECT {COLUMNS} FROM walk JOIN node ON node.id = walk.id WHERE walk.depth = {depth}
        UNION ALL
        SELECT {COLUMNS} FROM walk JOIN node ON node.parent = walk.id WHERE walk.depth = {depth}"""


@lru_cache(maxsize=256)
def _alike(depth: int) -> str:
    return f"""{_steps(depth)}
        SELECT node.name FROM walk JOIN node ON node.parent = walk.id
        WHERE walk.depth = {depth} AND node.folded = ? ORDER BY node.name"""


def _steps(depth: int) -> str:
    start = f"SELECT 0, id * {RANGE} + CAST(? AS BIGINT) FROM space WHERE name = ?"
    if not depth:
        return f"WITH walk(depth, id) AS ({start})"
    parts = ", ".join(f"({number}, CAST(? AS TEXT))" for number in range(1, depth + 1))
    return f"""WITH RECURSIVE part(depth, name) AS (VALUES {parts}),
        walk(depth, id) AS (
            {start}
            UNION ALL SELECT part.depth, node.id FROM walk
                JOIN part ON part.depth = walk.depth + 1
                JOIN node ON node.parent = walk.id AND node.name = part.name)"""
