"""Throttle: failed sign-ins cost time, more each time, on all workers together.

Failures are counted against the user at that address, the address, its network, and the user
anywhere; each has some failures free, then a wait that doubles. A network from which the user has
signed in before is only slowed by its own failures for that user: whoever guesses elsewhere, or
guesses other names from the same office, does not lock the owner out. Nobody who is signed in is
asked here at all.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from filehost_dav.accounts.names import LONGEST, one_spelling
from filehost_dav.errors import Throttled
from filehost_dav.state.database import Database, Transaction

_log = logging.getLogger(__name__)

_LONGEST_NAMED: Final = 100  # characters of a made-up name worth a place in the log
_KNOWN: Final = 90 * 86400  # seconds a network stays known
_SUBJECT: Final = "throttle"


@dataclass(frozen=True, slots=True)
class Patience:
    """Failures that are free, and the bounds of what follows, in seconds.

    After the free ones the wait is 1 s, and doubles with each failure up to `longest`; without a
    failure for `forget` all is forgotten. An address may have several users and a network many, so
    they have a multiple of the free ones.
    """

    free: int = 5
    longest: int = 900
    forget: int = 3600


@dataclass(frozen=True, slots=True)
class Ban:
    """What has failed so often that it must wait. Times in seconds since the epoch."""

    subject: str
    failures: int
    last: int
    until: int


class Throttle:
    """The record of failures. `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, patience: Patience, clock: Callable[[], float]) -> None:
        self._database = database
        self._patience = patience
        self._clock = clock

    def check(self, name: str, address: str) -> None:
        """Raises Throttled when this user at this address must wait."""
        now = int(self._clock())
        subjects = self._subjects(name, address)
        marks = ", ".join("?" * len(subjects))
        waits: dict[str, int] = dict(
            self._database.query(
                f"SELECT subject, until FROM failure WHERE until > ? AND subject IN ({marks})",  # noqa: S608
                (now, *subjects),
            )
        )
        if not waits:
            return
        own = next(iter(subjects))
        until = waits.get(own, 0) if self._is_known(name, address, now) else max(waits.values())
        if until > now:
            raise Throttled(
                "There were too many failed sign-ins, wait before the next one", retry_after=until - now
            )

    def failed(self, name: str, address: str) -> None:
        """Count a failure, and log it."""
        # fail2ban reads this line: the address stands before anything that the client chose.
        shown = json.dumps(name[:_LONGEST_NAMED])
        _log.warning("Sign-in refused from %s for user %s", address or "local", shown)
        now = int(self._clock())
        subjects = self._subjects(name, address)
        if self._is_known(name, address, now):
            subjects.pop(_anywhere(name))
        with self._database.transaction(_SUBJECT) as transaction:
            transaction.execute("DELETE FROM failure WHERE last < ?", (now - self._patience.forget,))
            for subject, free in subjects.items():
                self._count(transaction, subject, free, now)

    def succeeded(self, name: str, address: str) -> None:
        """The right password: this network is known from now on, and its failures are forgiven."""
        now = int(self._clock())
        with self._database.transaction(_SUBJECT) as transaction:
            transaction.execute("DELETE FROM failure WHERE subject = ?", (_pair(name, address),))
            transaction.execute(
                "DELETE FROM known_network WHERE (owner = ? AND network = ?) OR seen < ?",
                (_short(name), _network(address), now - _KNOWN),
            )
            transaction.execute(
                "INSERT INTO known_network (owner, network, seen) VALUES (?, ?, ?)",
                (_short(name), _network(address), now),
            )

    def bans(self) -> list[Ban]:
        """What must wait now, the longest first."""
        rows = self._database.query(
            "SELECT subject, failures, last, until FROM failure WHERE until > ? ORDER BY until DESC, subject",
            (int(self._clock()),),
        )
        return [Ban(*row) for row in rows]

    def clear(self, word: str | None = None) -> int:
        """Forget the failures of a user, an address or a network, or all; how many counts were dropped."""
        with self._database.transaction(_SUBJECT) as transaction:
            if word is None:
                return transaction.execute("DELETE FROM failure")
            rows = transaction.query("SELECT subject FROM failure")
            matching = [subject for (subject,) in rows if word in subject.split(" ")]
            transaction.execute_many("DELETE FROM failure WHERE subject = ?", [(s,) for s in matching])
            return len(matching)

    def _subjects(self, name: str, address: str) -> dict[str, int]:
        """What a failure counts against, the narrowest first, with how many are free."""
        free = self._patience.free
        return {
            _pair(name, address): free,
            f"address {_single(address)}": free * 4,
            f"network {_network(address)}": free * 20,
            _anywhere(name): free * 10,
        }

    def _is_known(self, name: str, address: str, now: int) -> bool:
        return bool(
            self._database.query(
                "SELECT 1 FROM known_network WHERE owner = ? AND network = ? AND seen > ?",
                (_short(name), _network(address), now - _KNOWN),
            )
        )

    def _count(self, transaction: Transaction, subject: str, free: int, now: int) -> None:
        rows = transaction.query("SELECT failures FROM failure WHERE subject = ?", (subject,))
        failures = (rows[0][0] if rows else 0) + 1
        over = failures - free
        wait = min(self._patience.longest, 2 ** min(over, 30)) if over >= 0 else 0
        transaction.execute("DELETE FROM failure WHERE subject = ?", (subject,))
        transaction.execute(
            "INSERT INTO failure (subject, failures, last, until) VALUES (?, ?, ?, ?)",
            (subject, failures, now, now + wait if wait else 0),
        )


def _pair(name: str, address: str) -> str:
    return f"user {_short(name)} at {_single(address)}"


def _anywhere(name: str) -> str:
    return f"user {_short(name)}"


def _short(name: str) -> str:
    """What was given as a name, bounded and without what could look like another subject."""
    return "".join(c for c in one_spelling(name)[: LONGEST + 1] if c.isprintable() and c != " ")


def _single(address: str) -> str:
    """The address; for IPv6 the /64 that one customer has."""
    return _masked(address, 32, 64)


def _network(address: str) -> str:
    return _masked(address, 24, 48)


def _masked(address: str, v4: int, v6: int) -> str:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "local"  # a socket of this machine has no address
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.version == 4 and v4 == 32:
        return str(ip)
    return str(ipaddress.ip_network((ip, v4 if ip.version == 4 else v6), strict=False))
