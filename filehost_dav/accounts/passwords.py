"""Passwords: the only code that knows passlib.

New hashes are argon2id. Hashes from an Apache password file are verified as they are and replaced
at the first sign-in. Checking an unknown user costs what a wrong password costs, so that time does
not tell who has an account; and only so many hashes are computed at once, because each takes its
memory in full.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from filehost_dav.errors import Unavailable

if TYPE_CHECKING:
    from passlib.context import CryptContext

NO_PASSWORD: Final = "!"  # noqa: S105 - stored instead of a hash: somebody else says who this is
LONGEST: Final = 1024  # characters of a password: more is nobody's, and costs time

# What htpasswd and its relatives write, except crypt (8 characters count) and plain text.
_FOREIGN: Final = ("bcrypt", "sha512_crypt", "sha256_crypt", "apr_md5_crypt", "ldap_sha1")
_BCRYPT_BYTES: Final = 72  # htpasswd and everybody else left the rest out, silently
_PATIENCE: Final = 10.0  # seconds a sign-in waits for its turn


@dataclass(frozen=True, slots=True)
class Cost:
    """What one argon2id hash takes: `memory` in bytes, `rounds` over it, `lanes` side by side."""

    memory: int = 64 * 1024 * 1024
    rounds: int = 3
    lanes: int = 4


class Passwords:
    """Makes and verifies password hashes, `at_once` at a time."""

    def __init__(self, cost: Cost = Cost(), *, at_once: int = 2) -> None:
        self._cost = cost
        self._turns = threading.BoundedSemaphore(at_once)
        self.waited: Callable[[float], None] = lambda _: None
        """Told how long, in seconds, whenever somebody had to wait for a turn."""

    def hash(self, password: str) -> str:
        """A new hash. Raises Unavailable."""
        with self.turn():
            return str(self._context.hash(password))

    def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a new hash to store where the old one is out of date.

        `stored` None is an unknown user: the same work, always wrong. Wait for a `turn` first.
        """
        if stored is None or stored == NO_PASSWORD or len(password) > LONGEST:
            self._context.verify(password[:LONGEST], self._decoy)
            return False, None
        if not self._is_right(password, stored):
            return False, None
        return True, self._context.hash(password) if self._context.needs_update(stored) else None

    def knows(self, stored: str) -> bool:
        """Whether a hash from elsewhere can be verified here."""
        return self._context.identify(stored) is not None

    def _is_right(self, password: str, stored: str) -> bool:
        secret = password.encode("utf-8", "surrogatepass")
        if self._context.identify(stored) == "bcrypt":
            secret = secret[:_BCRYPT_BYTES]
        try:
            return bool(self._context.verify(secret, stored))
        except ValueError:  # the old schemes know no NUL
            return False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A place among those who may compute a hash. Raises Unavailable when too many are waiting."""
        if not self._turns.acquire(blocking=False) and not self._wait():
            raise Unavailable("Too many people are signing in at once, try again in a moment", retry_after=5)
        try:
            yield
        finally:
            self._turns.release()

    def _wait(self) -> bool:
        began = time.monotonic()
        granted = self._turns.acquire(timeout=_PATIENCE)
        self.waited(time.monotonic() - began)
        return granted

    @cached_property
    def _context(self) -> CryptContext:
        # Loaded at the first sign-in: passlib's import would be a third of the start.
        from passlib.context import CryptContext  # noqa: PLC0415

        return CryptContext(
            schemes=["argon2", *_FOREIGN],
            deprecated="auto",
            argon2__type="ID",
            argon2__memory_cost=self._cost.memory // 1024,
            argon2__rounds=self._cost.rounds,
            argon2__parallelism=self._cost.lanes,
        )

    @cached_property
    def _decoy(self) -> str:
        return str(self._context.hash("nobody has this password"))
