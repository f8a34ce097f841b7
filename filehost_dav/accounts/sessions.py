"""Sessions: browsers that have signed in, kept by the server, so that they can be listed and ended.

The browser holds a random token; the records hold only its digest. A session ends when it is
idle too long, when it is too old, when the account is removed or disabled, and when the account's
password changes, whichever program changed it. Times are in seconds since the epoch.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from filehost_dav.state.database import Database, Row

IDLE: Final = 30 * 24 * 3600  # seconds without a request
LONGEST: Final = 180 * 24 * 3600  # seconds since signing in
_SEEN_EVERY: Final = 600  # seconds between two notes of the last use: reading must not become writing
_LONGEST_AGENT: Final = 300  # characters of a User-Agent worth keeping
_SELECT: Final = (
    "SELECT s.digest, s.owner, s.created, s.seen, s.agent, s.address, s.password, a.password"
    " FROM session s JOIN account a ON a.name = s.owner"
)


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. `id` names it in lists and cannot be used to sign in."""

    id: str
    user: str
    created: int
    seen: int
    agent: str
    address: str


class Sessions:
    """All sessions, shared by all the server's processes through its records."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        idle: int = IDLE,
        longest: int = LONGEST,
    ) -> None:
        self._database = database
        self._clock = clock
        self._token = token
        self._idle = idle
        self._longest = longest

    def open(self, user: str, *, agent: str = "", address: str = "") -> str:
        """A new session of an account that has just signed in; the token for its browser."""
        token, now = self._token(), int(self._clock())
        with self._database.transaction() as transaction:
            transaction.execute(
                "DELETE FROM session WHERE seen < ? OR created < ?", (now - self._idle, now - self._longest)
            )
            rows = transaction.query("SELECT password FROM account WHERE name = ?", (user,))
            password = _digest(rows[0][0]) if rows else ""
            transaction.execute(
                "INSERT INTO session (digest, owner, password, created, seen, agent, address)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (_digest(token), user, password, now, now, agent[:_LONGEST_AGENT], address),
            )
        return token

    def find(self, token: str) -> Session | None:
        """The session that this token opens, if it still holds."""
        now, digest = int(self._clock()), _digest(token)
        rows = self._database.query(
            f"{_SELECT} WHERE s.digest = ? AND s.seen >= ? AND s.created >= ? AND a.disabled = 0",
            (digest, now - self._idle, now - self._longest),
        )
        if not rows or rows[0][6] != _digest(rows[0][7]):
            return None
        session = _session(rows[0])
        if now - session.seen >= _SEEN_EVERY:
            self._note_use(digest, now)
        return session

    def of(self, user: str) -> list[Session]:
        """The sessions of one user that still hold, the last used first."""
        now = int(self._clock())
        rows = self._database.query(
            f"{_SELECT} WHERE s.owner = ? AND s.seen >= ? AND s.created >= ? ORDER BY s.seen DESC, s.digest",
            (user, now - self._idle, now - self._longest),
        )
        return [_session(row) for row in rows if row[6] == _digest(row[7])]

    def close(self, token: str) -> None:
        """Sign this browser out."""
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM session WHERE digest = ?", (_digest(token),))

    def revoke(self, user: str, session_id: str) -> None:
        """End the session of that id, if it is the user's."""
        with self._database.transaction() as transaction:
            transaction.execute(
                "DELETE FROM session WHERE owner = ? AND substr(digest, 1, 16) = ?", (user, session_id)
            )

    def revoke_all(self, user: str) -> None:
        """Sign all of a user's browsers out."""
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM session WHERE owner = ?", (user,))

    def revoke_others(self, user: str, token: str) -> None:
        """Sign all of a user's browsers out but the one that holds `token`."""
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM session WHERE owner = ? AND digest <> ?", (user, _digest(token)))

    def _note_use(self, digest: str, now: int) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("UPDATE session SET seen = ? WHERE digest = ? AND seen < ?", (now, digest, now))


def _session(row: Row) -> Session:
    digest, user, created, seen, agent, address = row[:6]
    return Session(digest[:16], user, created, seen, agent, address)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
