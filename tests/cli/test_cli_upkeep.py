"""Upkeep: done by one process of all, from time to time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.upkeep import Upkeep


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "state.sqlite3")
    migrate(database)
    yield database
    database.close()


def test_of_several_processes_one_takes_the_turn(database: SqliteDatabase) -> None:
    now, done = [1_000_000.0], []
    processes = [
        Upkeep(database, lambda name=name: done.append(name), every=3600, clock=lambda: now[0])  # type: ignore[misc]
        for name in ("first", "second")
    ]
    assert [process.attend() for process in processes] == [True, False]
    now[0] += 3599
    assert [process.attend() for process in processes] == [False, False]
    now[0] += 1
    assert [process.attend() for process in reversed(processes)] == [True, False]
    assert done == ["first", "second"]


def test_it_stops_at_once_when_the_server_does(database: SqliteDatabase) -> None:
    upkeep = Upkeep(database, lambda: None, every=3600)
    upkeep.start()
    upkeep.stop()
    assert not upkeep._thread.is_alive()
