"""App passwords: one for each device, so that a lost phone costs one password and not the account.

The secret is drawn by the server, shown once, and has 125 bits, so a plain digest keeps it and
guessing needs no throttle. It can be bound to reading, to one folder and to a time, and it works
as the password of Basic (with the user's name) and as a Bearer token alone.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from filehost_dav.errors import Exists, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database, Row

LONGEST_NAME: Final = 100  # characters
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # no 0 1 l o: people type it on telephones
_SECRET = re.compile(rf"[{_ALPHABET}]{{5}}(-[{_ALPHABET}]{{5}}){{4}}")
_SEEN_EVERY: Final = 600  # seconds between two notes of the last use: reading must not become writing


@dataclass(frozen=True, slots=True)
class AppPassword:
    """Times in seconds since the epoch. `folder` None is the whole home; `expires` None is never."""

    id: str
    owner: str
    name: str
    read_only: bool = False
    folder: FilePath | None = None
    created: int = 0
    expires: int | None = None
    used: int | None = None
    used_from: str = ""


class AppPasswords:
    """All users' app passwords. `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        owner: str,
        name: str,
        *,
        read_only: bool = False,
        folder: FilePath | None = None,
        expires: int | None = None,
    ) -> str:
        """Make one; its secret, which is not kept. Raises Exists for a second one of that name."""
        secret = new_secret()
        with self._database.transaction(owner) as transaction:
            if transaction.query("SELECT 1 FROM app_password WHERE owner = ? AND name = ?", (owner, name)):
                raise Exists(f"There is an app password {name} already")
            transaction.execute(
                _ADD,
                (
                    secrets.token_hex(4),
                    owner,
                    name[:LONGEST_NAME],
                    _digest(secret),
                    int(read_only),
                    str(folder) if folder else None,
                    int(self._clock()),
                    expires,
                ),
            )
        return secret

    def find(self, secret: str) -> AppPassword | None:
        """The app password that this secret is, if it still holds."""
        if not looks_like_one(secret):
            return None
        rows = self._database.query(_FIND, (_digest(secret),))
        found = _app_password(rows[0]) if rows else None
        if found is None or (found.expires is not None and found.expires <= self._clock()):
            return None
        return found

    def of(self, owner: str) -> list[AppPassword]:
        """One user's, in the order they were made, expired ones included."""
        return [_app_password(row) for row in self._database.query(_LIST, (owner,))]

    def revoke(self, owner: str, name: str) -> None:
        """By name or id. Raises NotFound."""
        with self._database.transaction(owner) as transaction:
            if not transaction.execute(
                "DELETE FROM app_password WHERE owner = ? AND (name = ? OR id = ?)", (owner, name, name)
            ):
                raise NotFound(f"{owner} has no app password {name}")

    def note_use(self, found: AppPassword, address: str) -> None:
        """Remember when and from where it was used last, to a few minutes."""
        now = int(self._clock())
        if found.used is not None and now - found.used < _SEEN_EVERY and found.used_from == address:
            return
        with self._database.transaction(found.owner) as transaction:
            transaction.execute(
                "UPDATE app_password SET used = ?, used_from = ? WHERE id = ?", (now, address, found.id)
            )


def new_secret(groups: int = 5) -> str:
    """Letters and digits in groups of five."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(groups))


def looks_like_one(text: str) -> bool:
    return _SECRET.fullmatch(text) is not None


_COLUMNS: Final = "id, owner, name, read_only, folder, created, expires, used, used_from"
_FIND: Final = f"SELECT {_COLUMNS} FROM app_password WHERE digest = ?"  # noqa: S608 - constants
_LIST: Final = f"SELECT {_COLUMNS} FROM app_password WHERE owner = ? ORDER BY created, name"  # noqa: S608
_ADD: Final = """INSERT INTO app_password (id, owner, name, digest, read_only, folder, created, expires)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


def _app_password(row: Row) -> AppPassword:
    identity, owner, name, read_only, folder, created, expires, used, used_from = row
    place = FilePath.parse(folder) if folder else None
    return AppPassword(identity, owner, name, bool(read_only), place, created, expires, used, used_from or "")


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
