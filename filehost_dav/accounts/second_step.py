"""The second step: whoever gave the right password and is asked for a code brings it with a ticket.

Only the right password gives a ticket, so nobody else learns who is asked for codes. The ticket holds
for minutes, and no longer than the password. Wrong codes cost time as wrong passwords do, and a
password alone forgives nothing: the failures of an account with codes end with a right code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from filehost_dav.accounts.codes import Codes
from filehost_dav.accounts.sealed import Seal
from filehost_dav.accounts.throttle import Throttle
from filehost_dav.accounts.users import User, Users
from filehost_dav.errors import SignInRefused

_TICKET: Final = 300  # seconds


class SecondStep:
    """`key` is secret and the same in all processes; `clock` gives seconds since the epoch."""

    def __init__(
        self, users: Users, codes: Codes, throttle: Throttle, *, key: bytes, clock: Callable[[], float]
    ) -> None:
        self._users = users
        self._codes = codes
        self._throttle = throttle
        self._seal = Seal(key, "second step")
        self._clock = clock
        self._turn = threading.Lock()  # a thousand guesses at once would all be made before the first failed

    def ticket(self, user: User) -> str:
        """For a user whose password was right just now."""
        return self._seal.close(f"{user.name}\n{self._state(user.name)}", int(self._clock()) + _TICKET)

    def holder(self, ticket: str) -> User | None:
        """Whose ticket this is, while it holds."""
        text = self._seal.open(ticket, self._clock())
        name, _, state = (text or "").partition("\n")
        user = self._users.active(name) if name else None
        return user if user is not None and state == self._state(name) else None

    def check(self, user: User, code: str, address: str) -> None:
        """Take a code of the app or a recovery code. Raises SignInRefused, Throttled."""
        with self._turn:
            self._throttle.check(user.name, address)
            if not self._codes.take(user.name, code):
                self._throttle.failed(user.name, address)
                raise SignInRefused("The code is wrong, or was used already")
        self._throttle.succeeded(user.name, address)

    def _state(self, name: str) -> str:
        """Another one with every new password."""
        account = self._users.find(name)
        return sha256((account.password if account else "").encode()).hexdigest()
