"""Used sign-ins: a state that has signed somebody in does so once, whichever process or node is asked."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from filehost_dav.errors import SignInRefused
from filehost_dav.state.database import Database


class UsedStates:
    """`kept` is in seconds, no shorter than a state holds; `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float], *, kept: int) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept

    def use(self, state: str) -> None:
        """Raises SignInRefused the second time."""
        now, digest = int(self._clock()), sha256(state.encode()).hexdigest()
        with self._database.transaction("oidc") as transaction:
            transaction.execute("DELETE FROM oidc_state WHERE used < ?", (now - self._kept,))
            if transaction.query("SELECT 1 FROM oidc_state WHERE digest = ?", (digest,)):
                raise SignInRefused("This sign-in has been used already: begin again")
            transaction.execute("INSERT INTO oidc_state (digest, used) VALUES (?, ?)", (digest, now))
