"""What does not agree between rows and bucket, found and mended. No document is ever deleted.

Rows are compared among themselves, then with the bucket in both directions, one of its 256 parts at a
time, so that memory does not grow with the number of files. A content that is lost is reported with
every path that needs it, and the file stays in its place: it is never hidden.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from filehost_dav.state.database import Database
from filehost_dav.storage.object.blobs import PARTS, ROOM, Blobs, Lost, Stored, key_of, names_in
from filehost_dav.storage.object.change import changing
from filehost_dav.storage.object.rows import COLUMNS, RANGE, Node, Queries, Root, State, size_below

_DAY: Final = 86_400  # seconds: a younger object may be an upload whose row was not yet seen
_ROOTS: Final = " UNION ALL ".join(f"SELECT id * {RANGE} + {int(root)} FROM space" for root in Root)
_UNREACHED: Final = f"""WITH RECURSIVE reached(id) AS (
    {_ROOTS} UNION ALL SELECT node.id FROM reached JOIN node ON node.parent = reached.id)
    SELECT {COLUMNS} FROM node WHERE NOT EXISTS (SELECT 1 FROM reached WHERE reached.id = node.id)"""


class Finding(NamedTuple):
    """Something that is not as it should be; `place` is the user's own path.

    `kind` is one of: astray (a row that hangs nowhere), unused, asleep (a needed content marked as dead),
    usage, orphan (an object without a row), lost, damaged.
    """

    kind: str
    user: str
    place: str
    message: str
    mended: bool = False


class Scrubbed(NamedTuple):
    """A content that was read whole: its size, and what is wrong with it."""

    size: int
    findings: tuple[Finding, ...]


class Checker:
    """Compares. `clock` is in nanoseconds since the epoch. All methods raise Unavailable."""

    def __init__(self, database: Database, blobs: Blobs, clock: Callable[[], int]) -> None:
        self._database = database.patient()
        self._blobs = blobs
        self._clock = clock

    def inspect(self) -> Iterator[Finding]:
        """Everything that is found, changing nothing."""
        yield from (finding for finding, _ in self._rows())
        yield from (finding for finding, _ in self._bucket())

    def repair(self) -> Iterator[Finding]:
        """The same, mending what can be mended without a person's decision."""
        for finding, mend in [*self._rows(), *self._bucket()]:
            if mend is not None:
                mend()
            yield finding._replace(mended=mend is not None)

    def scrub(self) -> Iterator[Scrubbed]:
        """Read every content in use and compare it with its checksum."""
        for part in range(PARTS):
            rows = self._database.query(
                "SELECT id, size, sums FROM blob WHERE id >= ? AND id < ? AND state = ? AND size > 0",
                (*names_in(part), State.LIVE),
            )
            for blob, size, sums in rows:
                yield Scrubbed(size, tuple(self._read(blob, size, json.loads(sums).get("sha256"))))

    def _rows(self) -> Iterator[tuple[Finding, Callable[[], object] | None]]:
        yield from self._astray()
        yield from self._asleep()
        yield from self._unused()
        yield from self._usage()

    def _astray(self) -> Iterator[tuple[Finding, Callable[[], object]]]:
        rows = [Node(*row) for row in self._database.query(_UNREACHED)]
        ids = {node.id for node in rows}
        # The top of each stray tree; in a ring, which has none, any of it.
        tops = [node for node in rows if node.parent not in ids] or rows[:1]
        for node in tops:
            user = self._user_of(node.id)
            message = "It hangs nowhere; --repair puts it into the trash"
            yield (
                Finding("astray", user, node.name, message),
                partial(self._save, user, node),
            )

    def _save(self, user: str, node: Node) -> None:
        with changing(self._database, user, self._clock()) as change:
            # Out of its ring first, if it is in one: nothing that follows members down would end there.
            node = change.move(node, change.root(Root.DOOMED), f"{node.id:x}")._replace(name=node.name)
            # It was not counted where it was: `discard` moves it from the tree's count to the trash's.
            change.used += size_below(change.rows, node.id)[0]
            change.discard(node, change.lost_and_found(node))

    def _asleep(self) -> Iterator[tuple[Finding, Callable[[], object]]]:
        sql = """SELECT blob.id FROM blob WHERE blob.state <> 1 AND (
            EXISTS (SELECT 1 FROM node WHERE node.blob = blob.id)
            OR EXISTS (SELECT 1 FROM version WHERE version.blob = blob.id))"""
        for (blob,) in self._database.query(sql):
            message = "Its content is needed and was marked for deletion"
            for user, place in self._places(blob):
                yield (
                    Finding("asleep", user, place, message),
                    partial(self._set_state, blob, State.LIVE),
                )

    def _unused(self) -> Iterator[tuple[Finding, Callable[[], object]]]:
        sql = """SELECT id FROM blob WHERE state = 1
            AND NOT EXISTS (SELECT 1 FROM node WHERE node.blob = blob.id)
            AND NOT EXISTS (SELECT 1 FROM version WHERE version.blob = blob.id)"""
        for (blob,) in self._database.query(sql):
            message = "A content that nothing needs; --repair leaves it to the cleaner"
            yield Finding("unused", "", key_of(blob), message), partial(self._set_state, blob, State.DEAD)

    def _usage(self) -> Iterator[tuple[Finding, Callable[[], object]]]:
        for (user,) in self._database.query("SELECT name FROM space ORDER BY name"):
            with changing(self._database, user, self._clock()) as change:
                wrong = change.counted() != (change.used, change.kept)
            if wrong:
                message = "The bytes in use were not the sum of the sizes"
                yield Finding("usage", user, "/", message), partial(self._recount, user)

    def _recount(self, user: str) -> None:
        with changing(self._database, user, self._clock()) as change:
            change.used, change.kept = change.counted()

    def _set_state(self, blob: str, state: State) -> None:
        self._database.note("UPDATE blob SET state = ?, since = ? WHERE id = ?", (state, self._clock(), blob))

    def _bucket(self) -> Iterator[tuple[Finding, Callable[[], object] | None]]:
        for part in range(PARTS):
            there = {found.key.rpartition("/")[2]: found for found in self._blobs.list(f"{ROOM}{part:02x}/")}
            # The rows after the objects: an upload that is committed in between is no loss.
            rows = self._database.query(
                "SELECT id, size, state FROM blob WHERE id >= ? AND id < ?", names_in(part)
            )
            for blob, size, state in rows:
                stored = there.pop(blob, None)
                if state == State.LIVE and size:
                    yield from ((finding, None) for finding in self._missing(blob, size, stored))
            yield from self._orphans(there)

    def _missing(self, blob: str, size: int, stored: Stored | None) -> Iterator[Finding]:
        if stored is None and self._is_there(blob):
            return  # it came after the listing
        if stored is None:
            yield from self._about(blob, "lost", "Its content is not in the bucket")
        elif stored.size != size:
            message = f"Its content has {stored.size} bytes instead of {size}"
            yield from self._about(blob, "damaged", message)

    def _is_there(self, blob: str) -> bool:
        try:
            return bool(next(iter(self._blobs.stream(key_of(blob), 0, 1)), b""))
        except Lost:
            return False

    def _orphans(self, unknown: dict[str, Stored]) -> Iterator[tuple[Finding, Callable[[], object] | None]]:
        young = self._clock() // 10**9 - _DAY
        for stored in unknown.values():
            if stored.modified < young:
                message = "An object that no row tells of; --repair deletes it"
                yield Finding("orphan", "", stored.key, message), partial(self._blobs.delete, [stored.key])

    def _read(self, blob: str, size: int, sum_: str | None) -> Iterator[Finding]:
        read = hashlib.sha256()
        try:
            for block in self._blobs.stream(key_of(blob), 0, size):
                read.update(block)
        except Lost:
            yield from self._about(blob, "lost", "Its content is not in the bucket")
            return
        if sum_ is not None and read.hexdigest() != sum_:
            yield from self._about(blob, "damaged", "Its content is not what was uploaded")

    def _about(self, blob: str, kind: str, message: str) -> Iterator[Finding]:
        return (Finding(kind, user, place, message) for user, place in self._places(blob))

    def _places(self, blob: str) -> Iterator[tuple[str, str]]:
        """Whose and where the files and versions with this content are."""
        nodes = self._database.query("SELECT id FROM node WHERE blob = ?", (blob,))
        for (node,) in nodes:
            yield self._user_of(node), place_of(self._database, node)
        for node, replaced in self._database.query(
            "SELECT node, replaced FROM version WHERE blob = ?", (blob,)
        ):
            yield self._user_of(node), f"{place_of(self._database, node)} (as of {replaced // 10**9})"

    def _user_of(self, node: int) -> str:
        rows = self._database.query("SELECT name FROM space WHERE id = ?", (node // RANGE,))
        return rows[0][0] if rows else ""


def place_of(rows: Queries, node: int) -> str:
    """The path of a node for people; what is not among the files begins with where it is."""
    sql = """WITH RECURSIVE above(depth, id, parent, name) AS (
            SELECT 0, id, parent, name FROM node WHERE id = ?
            UNION ALL SELECT above.depth + 1, node.id, node.parent, node.name
                FROM above JOIN node ON node.id = above.parent WHERE above.depth < 1024)
        SELECT id, name FROM above ORDER BY depth DESC"""
    (root, _), *below = rows.query(sql, (node,))
    area = root % RANGE
    where = "" if area == Root.FILES else f"{Root(area).name.lower()}:" if area in set(Root) else "astray:"
    return f"{where}/" + "/".join(name for _, name in below)
