"""Users: the accounts in the state database.

Whoever changes an account here is heard by every process at its next request: nothing about an
account is remembered without asking the database whether it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filehost_dav.accounts.names import is_user_name, one_spelling, user_name
from filehost_dav.accounts.passwords import NO_PASSWORD
from filehost_dav.errors import Exists, NotFound
from filehost_dav.state.database import Database, Row
from filehost_dav.state.schema import OWNED

ANY_TYPE = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class User:
    """An account. `quota` in bytes and `extensions`: None is the server's default; ANY_TYPE any type.

    `codes`: whether a code is asked for besides the password, so that only app passwords open WebDAV.
    `own_password`: whether there is a password here, or somebody else says who this is.
    """

    name: str
    disabled: bool = False
    quota: int | None = None
    extensions: frozenset[str] | None = None
    codes: bool = False
    own_password: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """A user with the password's hash, for signing in only."""

    user: User
    password: str


class Users:
    """Everybody who has an account. `clock` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._known: tuple[int | None, dict[str, Account]] = (None, {})

    def find(self, name: str) -> Account | None:
        # Asked several times in every request; what is known holds until anything in the database changes.
        generation = self._database.generation()
        if generation is None:
            return self._read(name)
        if self._known[0] != generation:
            self._known = (generation, {})
        known = self._known[1]
        account = known.get(name) or self._read(name)
        if account is not None:  # strangers' guesses are not remembered
            known[name] = account
        return account

    def _read(self, name: str) -> Account | None:
        if not is_user_name(name):
            return None
        rows = self._database.query(_FIND, (one_spelling(name),))
        return _account(rows[0]) if rows else None

    def get(self, name: str) -> User:
        """Raises NotFound."""
        account = self.find(name)
        if account is None:
            raise NotFound(f"There is no user {name}")
        return account.user

    def active(self, name: str) -> User | None:
        """The user, unless there is none or it is disabled."""
        account = self.find(name)
        return account.user if account and not account.user.disabled else None

    def list(self) -> list[User]:
        rows = self._database.query(_LIST)
        return [_account(row).user for row in rows]

    def check_new(self, name: str) -> None:
        """Raises BadPath, Exists, as `add` would: before a person is asked for a password."""
        name = user_name(name)
        for (taken,) in self._database.query("SELECT name FROM account"):
            if taken.casefold() == name.casefold():
                raise Exists(f"There is a user {taken} already")

    def add(self, user: User, password: str) -> None:
        """`password` is a hash, or NO_PASSWORD. Raises BadPath for a name no user can have, Exists.

        Names that differ only in case are one name: on many disks they would be one folder.
        """
        name = user_name(user.name)
        with self._database.transaction() as transaction:
            self.check_new(name)
            transaction.execute(
                _ADD,
                (name, password, int(user.disabled), user.quota, _as_text(user.extensions), int(self._clock())),
            )

    def set_password(self, name: str, password: str) -> None:
        """`password` is a hash. Raises NotFound."""
        self._change(name, "UPDATE account SET password = ? WHERE name = ?", password)

    def replace_password(self, name: str, old: str, new: str) -> None:
        """Another hash of the same password; nothing happens when the password changed meanwhile."""
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE account SET password = ? WHERE name = ? AND password = ?", (new, name, old)
            )

    def disable(self, name: str) -> None:
        """Raises NotFound."""
        self._change(name, "UPDATE account SET disabled = ? WHERE name = ?", 1)

    def enable(self, name: str) -> None:
        """Raises NotFound."""
        self._change(name, "UPDATE account SET disabled = ? WHERE name = ?", 0)

    def set_quota(self, name: str, quota: int | None) -> None:
        """Raises NotFound."""
        self._change(name, "UPDATE account SET quota = ? WHERE name = ?", quota)

    def set_extensions(self, name: str, extensions: frozenset[str] | None) -> None:
        """Raises NotFound."""
        self._change(name, "UPDATE account SET extensions = ? WHERE name = ?", _as_text(extensions))

    def remove(self, name: str) -> None:
        """Remove the account and every record of it (locks, properties, …); files are not touched here.

        Raises NotFound.
        """
        name = one_spelling(name)
        with self._database.transaction() as transaction:
            if not transaction.execute("DELETE FROM account WHERE name = ?", (name,)):
                raise NotFound(f"There is no user {name}")
            for table in OWNED:
                transaction.execute(f"DELETE FROM {table} WHERE owner = ?", (name,))  # noqa: S608 - our own constant

    def _change(self, name: str, statement: str, value: object) -> None:
        with self._database.transaction() as transaction:
            if not transaction.execute(statement, (value, one_spelling(name))):
                raise NotFound(f"There is no user {name}")


_SELECT = """SELECT a.name, a.password, a.disabled, a.quota, a.extensions, t.since
    FROM account a LEFT JOIN totp t ON t.owner = a.name"""
_FIND = f"{_SELECT} WHERE a.name = ?"
_LIST = f"{_SELECT} ORDER BY a.name"
_ADD = """INSERT INTO account (name, password, disabled, quota, extensions, created)
    VALUES (?, ?, ?, ?, ?, ?)"""


def _account(row: Row) -> Account:
    name, password, disabled, quota, extensions, codes_since = row
    kinds = None if extensions is None else frozenset(extensions.split())
    user = User(
        name,
        bool(disabled),
        quota,
        kinds,
        codes=codes_since is not None,
        own_password=password != NO_PASSWORD,
    )
    return Account(user, password)


def _as_text(extensions: frozenset[str] | None) -> str | None:
    return None if extensions is None else " ".join(sorted(extensions))
