"""Real records in a real database; a clock that the test turns; cheap hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.clock import Clock

from filehost_dav.accounts.app_passwords import AppPasswords
from filehost_dav.accounts.memory import Memory
from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.signing_in import SigningIn
from filehost_dav.accounts.throttle import Patience, Throttle
from filehost_dav.accounts.users import User, Users
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate

CHEAP = Cost(memory=64 * 1024, rounds=1, lanes=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite3"


@pytest.fixture
def database(file: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(file)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def users(database: SqliteDatabase, clock: Clock) -> Users:
    return Users(database, clock)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(CHEAP)


class CountedPasswords(Passwords):
    """Real hashes, counted."""

    verified = 0

    def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        self.verified += 1
        return super().verify(password, stored)


@pytest.fixture
def counted() -> CountedPasswords:
    return CountedPasswords(CHEAP)


@pytest.fixture
def app_passwords(database: SqliteDatabase, clock: Clock) -> AppPasswords:
    return AppPasswords(database, clock)


@pytest.fixture
def throttle(database: SqliteDatabase, clock: Clock) -> Throttle:
    return Throttle(database, Patience(), clock)


@pytest.fixture
def make_door(clock: Clock, counted: CountedPasswords) -> Callable[..., SigningIn]:
    """A door on a database of its own choice, as another process would have it."""

    def make(database: SqliteDatabase, passwords: Passwords = counted) -> SigningIn:
        return SigningIn(
            Users(database, clock),
            passwords,
            AppPasswords(database, clock),
            Throttle(database, Patience(), clock),
            right=Memory(key=b"k" * 32, generation=database.generation, clock=clock, seconds=300),
            wrong=Memory(key=b"k" * 32, generation=database.generation, clock=clock, seconds=300),
        )

    return make


@pytest.fixture
def door(
    users: Users, counted: CountedPasswords, database: SqliteDatabase, make_door: Callable[..., SigningIn]
) -> SigningIn:
    """Anna has an account, with the password "secret"."""
    users.add(User("anna", quota=1), counted.hash("secret"))
    return make_door(database)
