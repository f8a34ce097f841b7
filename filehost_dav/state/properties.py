"""Dead properties: what clients keep at a file or folder and the server only returns.

Keyed by (owner, path, name): two users never see each other's. A name is in Clark notation
(`{namespace}local`); a value is the property's whole XML element, able to stand anywhere. What a
change of the files does to them (`moved`, `copied`, `removed`) happens in the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from filehost_dav.errors import QuotaExceeded
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database, Transaction

MOST: Final = 200  # dead properties of one resource
LONGEST: Final = 64 * 1024  # characters of one value with its element

Values = Mapping[str, str]
Change = tuple[str, str | None]
"""A name, and the new value or None to remove it."""

_NONE: Final[Values] = {}
_BELOW = "(path = ? OR (path >= ? AND path < ?))"


class Properties:
    """Every user's dead properties."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._none: dict[str, tuple[int, bool]] = {}

    def of(self, owner: str, path: FilePath) -> Values:
        """The dead properties of one resource, name → value."""
        if self._has_none(owner):
            return _NONE
        rows = self._database.query(
            "SELECT name, value FROM property WHERE owner = ? AND path = ? ORDER BY name", (owner, str(path))
        )
        return dict(rows)

    def of_members(self, owner: str, folder: FilePath) -> Mapping[str, Values]:
        """The dead properties of a folder's members: member's name → name → value. One query."""
        if self._has_none(owner):
            return {}
        rows = self._database.query(
            "SELECT path, name, value FROM property WHERE owner = ? AND folder = ? ORDER BY path, name",
            (owner, str(folder)),
        )
        members: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for path, name, value in rows:
            members[path.rpartition("/")[2]][name] = value
        return members

    def all_of(self, owner: str) -> Mapping[str, Values]:
        """The dead properties of everything a user has: path → name → value."""
        rows = self._database.query(
            "SELECT path, name, value FROM property WHERE owner = ? ORDER BY path, name", (owner,)
        )
        found: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for path, name, value in rows:
            found[path][name] = value
        return found

    def change(
        self,
        owner: str,
        path: FilePath,
        changes: Sequence[Change],
        *,
        still: Callable[[], object] = lambda: None,
    ) -> None:
        """Set and remove, in this order, all or nothing. Raises QuotaExceeded beyond MOST.

        `still` raises when the resource is gone: it is asked where no removal can come in between, so that
        nothing is left behind for a later resource of the same name.
        """
        with self._database.transaction(owner) as transaction:
            still()
            _change(transaction, owner, path, changes)

    def moved(self, transaction: Transaction, owner: str, source: FilePath, target: FilePath) -> None:
        """Carry the properties of `source` and all below it to `target`, where nothing of the old stays."""
        if self._has_none(owner):
            return
        self.removed(transaction, owner, target)
        old, new = str(source), str(target)
        # By the length of the prefix: a name that repeats further down stays (`/a/x/a`).
        transaction.execute(
            "UPDATE property SET path = ? || substr(path, ?),"  # noqa: S608 - constant text
            " folder = CASE WHEN path = ? THEN ? ELSE ? || substr(folder, ?) END"
            f" WHERE owner = ? AND {_BELOW}",
            (new, len(old) + 1, old, _folder_of(new), new, len(old) + 1, owner, *_bounds(source)),
        )

    def copied(
        self, transaction: Transaction, owner: str, source: FilePath, target: FilePath, *, deep: bool = True
    ) -> None:
        """Give the copy its own (`deep=False`: the folder's alone), in place of the old target's."""
        if self._has_none(owner):
            return
        self.removed(transaction, owner, target)
        where, bounds = (_BELOW, _bounds(source)) if deep else ("path = ?", (str(source),))
        rows = transaction.query(
            f"SELECT path, name, value FROM property WHERE owner = ? AND {where}",  # noqa: S608 - constant text
            (owner, *bounds),
        )
        copies = [(str(target) + path[len(str(source)) :], name, value) for path, name, value in rows]
        transaction.execute_many(
            "INSERT INTO property (owner, path, folder, name, value) VALUES (?, ?, ?, ?, ?)",
            [(owner, path, _folder_of(path), name, value) for path, name, value in copies],
        )

    def removed(self, transaction: Transaction, owner: str, path: FilePath) -> None:
        """Forget the properties of a resource and all below it."""
        if self._has_none(owner):
            return
        transaction.execute(
            f"DELETE FROM property WHERE owner = ? AND {_BELOW}",  # noqa: S608 - constant text
            (owner, *_bounds(path)),
        )

    def _has_none(self, owner: str) -> bool:
        # Most users have no dead property: one look at the database's counter then says it all. In a
        # transaction that has changed none itself, too: nobody else commits meanwhile.
        generation = self._database.generation()
        if generation is None:
            return False
        known = self._none.get(owner)
        if known is None or known[0] != generation:
            if len(self._none) > 10_000:
                self._none.clear()
            found = self._database.query("SELECT 1 FROM property WHERE owner = ? LIMIT 1", (owner,))
            # The generation was read before the query: a change in between is not missed.
            known = self._none[owner] = (generation, not found)
        return known[1]


def _change(transaction: Transaction, owner: str, path: FilePath, changes: Sequence[Change]) -> None:
    key = (owner, str(path))
    for name, value in changes:
        if value is None:
            transaction.execute("DELETE FROM property WHERE owner = ? AND path = ? AND name = ?", (*key, name))
        else:
            transaction.execute(
                "INSERT INTO property (owner, path, folder, name, value) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (owner, path, name) DO UPDATE SET value = excluded.value",
                (*key, _folder_of(str(path)), name, value),
            )
    ((count,),) = transaction.query("SELECT count(*) FROM property WHERE owner = ? AND path = ?", key)
    if count > MOST:
        raise QuotaExceeded(f"A file or folder may have {MOST} properties of its own at most")


def _bounds(path: FilePath) -> tuple[str, str, str]:
    """The path itself, and the range that holds exactly what lies below it: `/a/` up to `/a0`."""
    text = "" if path.is_root else str(path)
    return (text or "/", text + "/", text + "0")


def _folder_of(path: str) -> str:
    return "" if path == "/" else path.rpartition("/")[0] or "/"
