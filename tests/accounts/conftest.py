"""Real records in a real database; a clock that the test turns; cheap hashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.users import Users
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate

CHEAP = Cost(memory=64 * 1024, rounds=1, lanes=1)


@dataclass
class Clock:
    """Seconds since the epoch, as the test says."""

    now: float = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


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
