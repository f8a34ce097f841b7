"""Locks: who holds which part of whose tree, in the database, the same for every process.

A lock is keyed by the tree's owner and the path, never by URL. It ends by release, by expiry, or with
its resource; it does not follow a MOVE (RFC 4918 7.5). Each process keeps what it last read of an
owner and reads again only when the database says that something has changed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from filehost_dav.errors import Locked, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database, Row, Statement, Transaction

_REMEMBERED: Final = 1024  # owners whose locks a process keeps in memory
_COLUMNS: Final = "token, owner, path, depth, scope, principal, info, timeout, expires"


@dataclass(frozen=True, slots=True)
class Lock:
    """A granted lock. `timeout` in seconds as granted, `expires` in seconds since the epoch.

    `deep` is depth infinity; `principal` is the user who holds it; `info` is the owner element as the
    client wrote it, an XML fragment, or empty.
    """

    token: str
    owner: str
    path: FilePath
    deep: bool
    exclusive: bool
    principal: str
    info: str
    timeout: int
    expires: int

    def covers(self, path: FilePath) -> bool:
        """Whether `path` is in the scope of this lock."""
        return path == self.path or (self.deep and path.is_within(self.path))


@dataclass(frozen=True, slots=True)
class Wish:
    """A lock that somebody would like to have; the fields as in Lock."""

    path: FilePath
    deep: bool
    exclusive: bool
    principal: str
    info: str
    timeout: int


class View:
    """One user's locks as they are at one moment: what several questions of one request are asked of."""

    __slots__ = ("_by_path", "_clock", "_has_deep", "generation")

    def __init__(
        self, locks: Iterable[Lock], clock: Callable[[], float], generation: int | None = None
    ) -> None:
        self.generation = generation
        self._clock = clock
        self._by_path: dict[FilePath, list[Lock]] = {}
        self._has_deep = False
        for lock in locks:
            self._by_path.setdefault(lock.path, []).append(lock)
            self._has_deep |= lock.deep

    def __bool__(self) -> bool:
        """Whether there is any lock, live or ended."""
        return bool(self._by_path)

    def at(self, path: FilePath) -> list[Lock]:
        """The live locks rooted exactly at `path`."""
        return self._live(self._by_path.get(path, ()))

    def covering(self, path: FilePath) -> list[Lock]:
        """The live locks whose scope `path` is in: its own, and deep ones of the folders above."""
        found = list(self._by_path.get(path, ()))
        for folder in path.ancestors if self._has_deep else ():
            found += [lock for lock in self._by_path.get(folder, ()) if lock.deep]
        return self._live(found)

    def below(self, folder: FilePath) -> list[Lock]:
        """The live locks rooted below `folder`, not those of the folder itself."""
        found = [locks for path, locks in self._by_path.items() if path.is_within(folder) and path != folder]
        return self._live(lock for locks in found for lock in locks)

    def _live(self, locks: Iterable[Lock]) -> list[Lock]:
        now = self._clock()
        return [lock for lock in locks if lock.expires > now]


def new_token() -> str:
    """A lock token: `opaquelocktoken` with a UUID is what every client, Office included, understands."""
    return f"opaquelocktoken:{uuid.uuid4()}"


class LockStore:
    """All locks of all trees."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        tokens: Callable[[], str] = new_token,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tokens = tokens
        self._views: dict[str, View] = {}

    def view(self, owner: str) -> View:
        """The locks in one user's tree."""
        # The generation is read first: what is read after it can only be newer than it says.
        generation = self._database.generation()
        known = self._views.get(owner)
        if known is not None and known.generation == generation and generation is not None:
            return known
        rows = self._database.query(*self.question(owner))
        view = View(map(_lock, rows), self._clock, generation)
        if len(self._views) >= _REMEMBERED:
            self._views.clear()
        self._views[owner] = view
        return view

    def question(self, owner: str) -> Statement:
        """What `view` asks of the database, where it has to ask."""
        return Statement(f"SELECT {_COLUMNS} FROM lock WHERE owner = ?", (owner,))  # noqa: S608 - a constant

    def covering(self, owner: str, path: FilePath) -> list[Lock]:
        return self.view(owner).covering(path)

    def at(self, owner: str, path: FilePath) -> list[Lock]:
        return self.view(owner).at(path)

    def below(self, owner: str, folder: FilePath) -> list[Lock]:
        return self.view(owner).below(folder)

    def acquire(self, owner: str, wish: Wish) -> Lock:
        """Grant a lock, unless another stands in the way: of all that race for one, one process wins.

        Raises Locked with the roots of the locks in the way.
        """
        now = int(self._clock())
        with self._database.transaction(owner) as transaction:
            present = _stored(transaction, owner, now)
            hindering = [lock for lock in present if _conflict(lock, wish)]
            if hindering:
                raise Locked("Somebody else holds a lock here", [str(lock.path) for lock in hindering])
            lock = Lock(
                token=self._tokens(),
                owner=owner,
                path=wish.path,
                deep=wish.deep,
                exclusive=wish.exclusive,
                principal=wish.principal,
                info=wish.info,
                timeout=wish.timeout,
                expires=now + wish.timeout,
            )
            _insert(transaction, lock)
        return lock

    def refresh(self, owner: str, token: str, *, timeout: int) -> Lock:
        """Let a lock last `timeout` seconds from now. Raises NotFound when it has ended."""
        now = int(self._clock())
        with self._database.transaction(owner) as transaction:
            changed = transaction.execute(
                "UPDATE lock SET timeout = ?, expires = ? WHERE owner = ? AND token = ? AND expires > ?",
                (timeout, now + timeout, owner, token, now),
            )
            if not changed:
                raise NotFound("This lock has ended")
            rows = transaction.query(f"SELECT {_COLUMNS} FROM lock WHERE token = ?", (token,))  # noqa: S608 - a constant
        return _lock(rows[0])

    def release(self, owner: str, token: str) -> None:
        """End one lock; nothing happens when it has ended already."""
        with self._database.transaction(owner) as transaction:
            transaction.execute("DELETE FROM lock WHERE owner = ? AND token = ?", (owner, token))

    def removed(self, transaction: Transaction, owner: str, path: FilePath) -> None:
        """End the locks of a resource that is gone: those at `path` and all below."""
        if self._has_none(owner):
            return
        transaction.execute("DELETE FROM lock WHERE owner = ? AND path = ?", (owner, str(path)))
        self.emptied(transaction, owner, path)

    def emptied(self, transaction: Transaction, owner: str, folder: FilePath) -> None:
        """End the locks below a folder that was replaced; its own stay."""
        if self._has_none(owner):
            return
        top = "" if folder.is_root else str(folder)
        transaction.execute(
            "DELETE FROM lock WHERE owner = ? AND path >= ? AND path < ?", (owner, top + "/", top + "0")
        )

    def sweep(self) -> None:
        """Drop what has expired. Safe at any time, in any process."""
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM lock WHERE expires <= ?", (int(self._clock()),))

    def _has_none(self, owner: str) -> bool:
        # Said in a transaction that has granted none itself: nobody else commits meanwhile.
        return self._database.generation() is not None and not self.view(owner)


def _conflict(lock: Lock, wish: Wish) -> bool:
    """RFC 4918 6.2: shared locks get along with each other, an exclusive one with nothing."""
    if not lock.exclusive and not wish.exclusive:
        return False
    return lock.covers(wish.path) or (wish.deep and lock.path.is_within(wish.path))


def _stored(transaction: Transaction, owner: str, now: int) -> list[Lock]:
    rows = transaction.query(f"SELECT {_COLUMNS} FROM lock WHERE owner = ?", (owner,))  # noqa: S608 - a constant
    live = [lock for lock in map(_lock, rows) if lock.expires > now]
    if len(live) < len(rows):
        transaction.execute("DELETE FROM lock WHERE owner = ? AND expires <= ?", (owner, now))
    return live


def _insert(transaction: Transaction, lock: Lock) -> None:
    values: tuple[Any, ...] = (
        lock.token,
        lock.owner,
        str(lock.path),
        "infinity" if lock.deep else "0",
        "exclusive" if lock.exclusive else "shared",
        lock.principal,
        lock.info,
        lock.timeout,
        lock.expires,
    )
    transaction.execute(f"INSERT INTO lock ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - a constant


def _lock(row: Row) -> Lock:
    token, owner, path, depth, scope, principal, info, timeout, expires = row
    place = FilePath.parse(path)
    return Lock(
        token, owner, place, depth == "infinity", scope == "exclusive", principal, info, timeout, expires
    )
