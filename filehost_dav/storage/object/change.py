"""Change: one short transaction on one user's tree.

Bytes are counted twice over: `used` are those of the tree, which the quota limits; `kept` are those of
the trash and of versions, which give way when room is needed.

It begins by taking the user's turn and reading the space's row, so that whatever it reads afterwards
stays true until it commits, on every node; it ends by writing that row. That one rule gives exact
quotas, atomic overwriting, moves without cycles and conditions that hold at the commit. No byte of a
file is moved inside it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from filehost_dav.errors import NotFound, ParentMissing, QuotaExceeded, Unavailable
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database, Statement, Transaction
from filehost_dav.storage.object.rows import (
    BELOW,
    FIRST,
    RANGE,
    Node,
    Queries,
    Root,
    State,
    below,
    root_of,
    size_below,
    walk,
)

_AT_ONCE = 500  # parameters of one statement
NO_ROOM: Final = "There is no room left for this file"


@dataclass(frozen=True, slots=True)
class Blob:
    """A content that has arrived. `sums` are its checksums, algorithm → hex."""

    id: str
    size: int
    sums: Mapping[str, str]


class Change:
    """What a transaction does to a space's tree. `number` is the space's change counter, `now` in ns."""

    def __init__(self, rows: Transaction, user: str, now: int, questions: Sequence[Statement] = ()) -> None:
        """`questions` are those that will be put before anything is changed."""
        self.rows = rows
        self.user = user
        self.now = now
        space = Statement("SELECT id, used, kept, next, change FROM space WHERE name = ?", (user,))
        rows.foresee([space, *questions])
        found = rows.query(*space)
        if not found:
            raise NotFound("There is nothing here")
        self.space, self.used, self.kept, self._next, self.number = (int(value) for value in found[0])
        self.number += 1

    def finish(self) -> None:
        """Write the space's row: the last statement of the transaction."""
        self.rows.later(
            "UPDATE space SET used = ?, kept = ?, next = ?, change = ? WHERE id = ?",
            (self.used, self.kept, self._next, self.number, self.space),
        )

    def root(self, root: Root) -> int:
        return self.space * RANGE + root

    def walk(self, path: FilePath) -> list[Node]:
        """The nodes from the area's root down to `path`, as far as it exists."""
        return walk(self.rows, self.user, root_of(path.area), path.parts)

    def find(self, path: FilePath) -> tuple[list[Node], Node]:
        """The folders above `path` and the node at it. Raises NotFound."""
        chain = self.walk(path)
        if len(chain) <= len(path.parts):
            raise NotFound("There is nothing here")
        return chain[:-1], chain[-1]

    def place(self, path: FilePath, *, make: bool = False) -> tuple[list[Node], Node | None]:
        """The folders above `path` and what is at it. `make` makes missing folders. Raises ParentMissing."""
        chain = self.walk(path)
        if len(chain) == len(path.parts) + 1:
            return chain[:-1], chain[-1]
        if not chain[-1].folder:
            raise ParentMissing("The folder does not exist")
        while make and len(chain) < len(path.parts):
            chain.append(self.add(chain[-1], path.parts[len(chain) - 1]))
        if len(chain) < len(path.parts):
            raise ParentMissing("The folder does not exist")
        return chain, None

    def add(
        self,
        parent: Node,
        name: str,
        *,
        blob: str | None = None,
        size: int = 0,
        modified: int | None = None,
    ) -> Node:
        """A new file, or a folder where no blob is given, counted."""
        modified = self.now if modified is None else modified
        node = Node(
            self.new_id(), parent.id, name, int(blob is None), blob, size, modified, self.now, self.number
        )
        self.add_all([node])
        return node

    def add_all(self, nodes: Sequence[Node]) -> None:
        """New nodes whose ids come from `new_id`, counted."""
        sql = (
            "INSERT INTO node (id, parent, name, folder, blob, size, modified, created, change, folded)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        values = [(*node, node.name.casefold()) for node in nodes]
        if len(values) == 1:
            self.rows.later(sql, values[0])
        else:
            self.rows.execute_many(sql, values)
        self.used += sum(node.size for node in nodes)

    def new_id(self) -> int:
        self._next += 1
        return self.space * RANGE + self._next - 1

    def refill(self, node: Node, blob: str, size: int, modified: int) -> Node:
        """Give a file another content, counted; what becomes of the old one is the caller's to say."""
        self.rows.later(
            "UPDATE node SET blob = ?, size = ?, modified = ?, change = ? WHERE id = ?",
            (blob, size, modified, self.number, node.id),
        )
        self.used += size - node.size
        return node._replace(blob=blob, size=size, modified=modified, change=self.number)

    def move(self, node: Node, parent: int, name: str) -> Node:
        """Put a node, with all below it, elsewhere. Its ETag and time stay."""
        self.rows.later(
            "UPDATE node SET parent = ?, name = ?, folded = ? WHERE id = ?",
            (parent, name, name.casefold(), node.id),
        )
        return node._replace(parent=parent, name=name)

    def touch(self, folder: Node, chain: Sequence[Node]) -> None:
        """A member of `folder` came, went or changed: it and those above it, all of `chain`, are changed."""
        self.rows.later(
            "UPDATE node SET change = ?, modified = CASE WHEN id = ? THEN ? ELSE modified END"
            f" WHERE id IN ({marks(chain)})",
            (self.number, folder.id, self.now, *(node.id for node in chain)),
        )

    def set_modified(self, node: Node, modified: int, chain: Sequence[Node]) -> Node:
        """Give a node a time; the folders above it, `chain`, are changed, its own ETag is not."""
        self.rows.later("UPDATE node SET modified = ? WHERE id = ?", (modified, node.id))
        if chain:
            self.rows.later(
                f"UPDATE node SET change = ? WHERE id IN ({marks(chain)})",
                (self.number, *(above.id for above in chain)),
            )
        return node._replace(modified=modified)

    def release(self, blobs: Iterable[str | None]) -> None:
        """Blobs that a node or version has let go of are dead when no other has them."""
        names = [blob for blob in dict.fromkeys(blobs) if blob is not None]
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            self.rows.later(
                f"UPDATE blob SET state = ?, since = ? WHERE id IN ({marks(some)})"
                " AND NOT EXISTS (SELECT 1 FROM node WHERE node.blob = blob.id)"
                " AND NOT EXISTS (SELECT 1 FROM version WHERE version.blob = blob.id)",
                (State.DEAD, self.now, *some),
            )

    def keep(self, node: Node, heir: Node) -> None:
        """The content of `node`, unless it is empty, becomes a version of `heir`."""
        if node.blob is None or not node.size:
            return
        self.rows.later(
            "INSERT INTO version (id, node, space, blob, size, modified, replaced)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (new_name(self.now), heir.id, self.space, node.blob, node.size, node.modified, self.now),
        )
        self.kept += node.size

    def inherit_versions(self, old: Node, new: Node) -> None:
        """The versions of a node that another replaces go over to that other."""
        self.rows.later("UPDATE version SET node = ? WHERE node = ?", (new.id, old.id))

    def forget(self, node: Node) -> None:
        """Remove the row of one file, or of an empty folder, counted; its blob is the caller's to release."""
        self.rows.later("DELETE FROM node WHERE id = ?", (node.id,))
        self.used -= node.size

    def drop_versions(self, nodes: Sequence[int]) -> list[str]:
        """Remove all versions of these nodes, counted; the blobs to release."""
        found = self.rows.query(f"SELECT blob, size FROM version WHERE node IN ({marks(nodes)})", nodes)
        if found:
            self.rows.later(f"DELETE FROM version WHERE node IN ({marks(nodes)})", nodes)
            self.kept -= sum(size for _, size in found)
        return [blob for blob, _ in found]

    def destroy(self, node: Node) -> None:
        """Remove for good. A file goes at once; a folder stops counting and is left to the cleaner."""
        if node.folder:
            sizes, versions = size_below(self.rows, node.id)
            self.used -= sizes
            self.kept -= versions
            self.rows.later(f"UPDATE version SET space = 0 WHERE node IN ({BELOW})", (node.id,))
            self.move(node, self.root(Root.DOOMED), f"{node.id:x}")
            return
        blobs = self.drop_versions([node.id])
        self.forget(node)
        self.release([node.blob, *blobs])

    def erase(self, nodes: Sequence[Node]) -> None:
        """Remove the rows of nodes that are no longer counted, with their versions."""
        ids = [node.id for node in nodes]
        versions = self.rows.query(f"SELECT blob FROM version WHERE node IN ({marks(ids)})", ids)
        self.rows.later(f"DELETE FROM version WHERE node IN ({marks(ids)})", ids)
        self.rows.later(f"DELETE FROM node WHERE id IN ({marks(ids)})", ids)
        self.release([*(node.blob for node in nodes), *(blob for (blob,) in versions)])

    def discard(self, node: Node, path: FilePath) -> str:
        """Move to the trash: one row, whatever is below; the trash's name for it."""
        name = new_name(self.now)
        self._shift(node, 1)
        self.move(node, self.root(Root.TRASH), name)
        self.rows.later(
            "INSERT INTO trash (id, node, space, deleted, origin) VALUES (?, ?, ?, ?, ?)",
            (name, node.id, self.space, self.now, "/".join(path.parts)),
        )
        return name

    def take_back(self, name: str, node: Node) -> None:
        """What was in the trash under `name` is counted as a part of the tree again, for the caller to move."""
        self.rows.later("DELETE FROM trash WHERE id = ?", (name,))
        self._shift(node, -1)

    def _shift(self, node: Node, sign: int) -> None:
        sizes, _ = size_below(self.rows, node.id)
        self.used -= sign * sizes
        self.kept += sign * sizes

    def is_empty(self, node: Node) -> bool:
        """Whether a folder has no members."""
        return not self.rows.query("SELECT 1 FROM node WHERE parent = ? LIMIT 1", (node.id,))

    def members(self, node: int) -> Iterator[Node]:
        """A node and everything below it, each folder before its members."""
        return below(self.rows, node)

    def lost_and_found(self, node: Node) -> FilePath:
        """Where a node that hung nowhere is said to have been: nobody knows more than its name."""
        return FilePath((node.name or "found",))

    def counted(self) -> tuple[int, int]:
        """The bytes of the tree, and of trash and versions, added up anew."""
        sizes = {root: size_below(self.rows, self.root(root))[0] for root in Root}
        ((versions,),) = self.rows.query(
            "SELECT COALESCE(SUM(size), 0) FROM version WHERE space = ?", (self.space,)
        )
        tree = sizes[Root.FILES] + sizes[Root.SIDE] + sizes[Root.STAGING]
        return tree, sizes[Root.TRASH] + int(versions)

    def reserved(self) -> int:
        """Bytes that uploads on their way have asked for."""
        ((size,),) = self.rows.query(
            "SELECT COALESCE(SUM(size), 0) FROM blob WHERE space = ? AND state = 0", (self.space,)
        )
        return int(size)

    def fit(self, quota: int | None, more: int = 0) -> None:
        """See that all of it, and `more` bytes, fit into the quota, giving up the oldest of what is kept.

        Raises QuotaExceeded when the tree itself, with the uploads on their way, does not fit.
        """
        if quota is None:
            return
        needed = self.used + self.reserved() + more
        if needed > quota:
            raise QuotaExceeded(NO_ROOM)
        while needed + self.kept > quota:
            self._give_up_oldest()

    def _give_up_oldest(self) -> None:
        ((kind, name),) = self.rows.query(
            """SELECT kind, id FROM (
                SELECT 0 AS kind, id, deleted AS age FROM trash WHERE space = ?
                UNION ALL SELECT 1, id, replaced FROM version WHERE space = ?) AS kept
            ORDER BY age LIMIT 1""",
            (self.space, self.space),
        )
        if kind:
            self.drop_version(name)
        else:
            self.purge(name)

    def drop_version(self, name: str) -> None:
        """Remove one version for good. Raises NotFound."""
        found = self.rows.query("SELECT blob, size FROM version WHERE id = ? AND space = ?", (name, self.space))
        if not found:
            raise NotFound("There is no such version")
        self.rows.later("DELETE FROM version WHERE id = ?", (name,))
        self.kept -= found[0][1]
        self.release([found[0][0]])

    def purge(self, name: str) -> None:
        """Remove from the trash for good. Raises NotFound."""
        chain = walk(self.rows, self.user, Root.TRASH, (name,))
        if len(chain) < 2:
            raise NotFound("There is nothing like this in the trash")
        self.take_back(name, chain[1])
        self.destroy(chain[1])


@contextmanager
def changing(database: Database, user: str, now: int, questions: Sequence[Statement] = ()) -> Iterator[Change]:
    """A Change of one user's tree, committed at the end of the block. Raises NotFound without a tree."""
    with database.transaction(user) as rows:
        change = Change(rows, user, now, questions)
        yield change
        change.finish()


@contextmanager
def taking_in(
    database: Database, user: str, now: int, blob: Blob, questions: Sequence[Statement] = ()
) -> Iterator[Change]:
    """A Change in which a blob that has arrived is in use. Raises Unavailable when the cleaner was faster."""
    with database.transaction(user) as rows:
        adopted = rows.later(
            "UPDATE blob SET state = ?, since = ?, size = ?, sums = ? WHERE id = ? AND state = ?",
            (State.LIVE, now, blob.size, sums_text(blob.sums), blob.id, State.ARRIVING),
        )
        change = Change(rows, user, now, questions)
        if not adopted.changed:
            raise Unavailable("The upload took too long, try again")
        yield change
        change.finish()


def taken(rows: Queries, user: str) -> tuple[int, int]:
    """The bytes of a user's tree, and those that uploads on their way have asked for."""
    sql = """SELECT used, (SELECT COALESCE(SUM(size), 0) FROM blob WHERE space = space.id AND state = 0)
        FROM space WHERE name = ?"""
    ((used, reserved),) = rows.query(sql, (user,)) or [(0, 0)]
    return used, int(reserved)


def found_tree(database: Database, user: str, now: int) -> None:
    """Make an empty tree for a user who has none."""
    with database.transaction() as rows:
        if rows.query("SELECT 1 FROM space WHERE name = ?", (user,)):
            return
        ((space,),) = rows.query("SELECT COALESCE(MAX(id), 0) + 1 FROM space")
        rows.execute(
            "INSERT INTO space (id, name, used, kept, next, change) VALUES (?, ?, 0, 0, ?, 0)",
            (space, user, FIRST),
        )
        roots = [(space * RANGE + root, "", 1, 0, now, now, 0) for root in Root]
        rows.execute_many(
            "INSERT INTO node (id, name, folder, size, modified, created, change) VALUES (?, ?, ?, ?, ?, ?, ?)",
            roots,
        )


def sums_text(sums: Mapping[str, str]) -> str:
    """Checksums as the blob's row keeps them."""
    return json.dumps(dict(sums), sort_keys=True)


def marks(values: Sequence[object]) -> str:
    """Placeholders for the values of an IN list."""
    return ", ".join("?" * len(values))


def new_name(now: int) -> str:
    """A name for a version or a piece of trash: sorted by time, never twice."""
    return f"{now}-{secrets.token_hex(4)}"
