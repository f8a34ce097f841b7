"""The cleaner: what a crash, an overwrite and the passing of time have left, removed in small steps.

Every step may be interrupted or done by two nodes at once: an object goes before its row, so nothing
in the bucket is ever forgotten, and a row goes only when nothing needs it. A dead blob stays in the
bucket for a grace time: a download that runs ends well, and a database restored from a backup as old
as that finds every content it tells of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from filehost_dav.errors import NotFound
from filehost_dav.state.database import Database
from filehost_dav.storage.object.blobs import Blobs, key_of
from filehost_dav.storage.object.change import changing
from filehost_dav.storage.object.rows import RANGE, Node, Root, State, below

DAY: Final = 86_400 * 1_000_000_000
_HOUR: Final = DAY // 24
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Ages:
    """How long things are kept, in nanoseconds; None: until their room is needed.

    `trash`; all versions for `versions_all`, then the last of each day for `versions_daily`; an upload
    that makes no progress for `stalled`; a content that nothing needs any more for `grace`, which must
    be longer than the time between two backups of the database.
    """

    trash: int | None = 30 * DAY
    versions_all: int = DAY
    versions_daily: int | None = 30 * DAY
    stalled: int = _HOUR
    grace: int = 2 * DAY


class _Old(NamedTuple):
    """A version, and whose it is."""

    user: str
    id: str
    node: int
    replaced: int


class Cleaner:
    """Removes what is due. `clock` is in nanoseconds since the epoch."""

    def __init__(self, database: Database, blobs: Blobs, ages: Ages, clock: Callable[[], int]) -> None:
        self._database = database.patient()
        self._blobs = blobs
        self._ages = ages
        self._clock = clock

    def sweep(self) -> None:
        """All of it once. Raises Unavailable when a part does not answer; the rest is for next time."""
        self._expire_trash()
        self._thin_versions()
        self._remove_users()
        self._remove_doomed()
        self._give_up_stalled()
        self._delete_dead()

    def _expire_trash(self) -> None:
        if self._ages.trash is None:
            return
        sql = """SELECT space.name, trash.id FROM trash JOIN space ON space.id = trash.space
            WHERE trash.deleted < ? ORDER BY trash.deleted"""
        for user, name in self._database.query(sql, (self._clock() - self._ages.trash,)):
            try:
                with changing(self._database, user, self._clock()) as change:
                    change.purge(name)
            except NotFound:
                continue  # restored or purged since the query

    def _thin_versions(self) -> None:
        now = self._clock()
        sql = """SELECT space.name, version.id, version.node, version.replaced
            FROM version JOIN space ON space.id = version.space
            WHERE version.replaced < ? ORDER BY version.node, version.replaced DESC"""
        rows = self._database.query(sql, (now - self._ages.versions_all,))
        for old in surplus((_Old(*row) for row in rows), now, self._ages.versions_daily):
            try:
                with changing(self._database, old.user, now) as change:
                    change.drop_version(old.id)
            except NotFound:
                continue

    def _remove_users(self) -> None:
        for number, name in self._database.query("SELECT id, name FROM space WHERE name LIKE '/%'"):
            for root in Root:
                self._erase(name, number * RANGE + root)
            with self._database.transaction(name) as rows:
                rows.execute("DELETE FROM trash WHERE space = ?", (number,))
                rows.execute("DELETE FROM space WHERE id = ?", (number,))

    def _remove_doomed(self) -> None:
        sql = f"""SELECT space.name, node.id FROM space
            JOIN node ON node.parent = space.id * {RANGE} + {int(Root.DOOMED)}"""
        for user, node in self._database.query(sql):
            self._erase(user, node)

    def _erase(self, user: str, node: int) -> None:
        # From the deepest up: whatever is left after an interruption still hangs together.
        nodes = list(below(self._database, node))[::-1]
        for some in _batches(nodes):
            with changing(self._database, user, self._clock()) as change:
                change.erase(some)

    def _give_up_stalled(self) -> None:
        self._database.note(
            "UPDATE blob SET state = ?, since = 0 WHERE state = ? AND since < ?",
            (State.DEAD, State.ARRIVING, self._clock() - self._ages.stalled),
        )

    def _delete_dead(self) -> None:
        sql = "SELECT id, since, size FROM blob WHERE state = ? AND since < ? ORDER BY since LIMIT ?"
        while dead := self._database.query(sql, (State.DEAD, self._clock() - self._ages.grace, _AT_ONCE)):
            for blob, since, _ in dead:
                if not since:  # never finished: parts of it may be waiting
                    self._blobs.abort(key_of(blob))
            self._blobs.delete([key_of(blob) for blob, since, size in dead if size or not since])
            with self._database.transaction("cleaner") as rows:
                rows.execute_many(
                    "DELETE FROM blob WHERE id = ? AND state = ?", [(blob, State.DEAD) for blob, *_ in dead]
                )


def surplus(versions: Iterable[_Old], now: int, daily: int | None) -> Iterator[_Old]:
    """Those too many, of versions past the time in which all are kept: a node's newest come first."""
    kept: tuple[int, int] | None = None
    for version in versions:
        day = (version.node, version.replaced // DAY)
        if day == kept or (daily is not None and version.replaced < now - daily):
            yield version
        else:
            kept = day


def _batches(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    for start in range(0, len(nodes), _AT_ONCE):
        yield nodes[start : start + _AT_ONCE]
