"""Upgrades and the way back: records of an older program are kept before they are brought up to date."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from harness.dav import Client
from harness.server import Account, Server, run

from filehost_dav.config import load
from filehost_dav.errors import ConfigError, NotFound, Unavailable
from filehost_dav.records import open_records
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import STEPS, migrate
from filehost_dav.state.upgrade import copy_of_step, go_back, step_of

NOW = len(STEPS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The records of the program before this one, with a lock in them."""
    file = tmp_path / "state.sqlite3"
    database = SqliteDatabase(file)
    migrate(database, STEPS[:-1])
    with database.transaction() as rows:
        rows.execute("INSERT INTO meta (name, value) VALUES ('mark', 'older')")
    database.close()
    return file


def mark(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT value FROM meta WHERE name = 'mark'").fetchone()[0])


def opened(file: Path) -> None:
    open_records(load(None, {"FILEHOST_STORAGE_DATA": str(file.parent)})).close()


def as_if_newer(file: Path) -> None:
    """The records as the next program would leave them after its upgrade."""
    copy_of_step(file, NOW).write_bytes(file.read_bytes())
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", (str(NOW + 1),))
        connection.execute("UPDATE meta SET value = 'newer' WHERE name = 'mark'")


def test_older_records_are_kept_and_then_brought_up_to_date(file: Path) -> None:
    opened(file)
    assert step_of(file) == NOW
    kept = copy_of_step(file, NOW - 1)
    assert step_of(kept) == NOW - 1
    assert mark(kept) == "older"
    assert kept.stat().st_mode & 0o077 == 0


def test_only_the_last_copy_is_kept_and_none_is_made_without_need(file: Path) -> None:
    copy_of_step(file, 1).write_bytes(b"long ago")
    for _ in range(2):
        opened(file)
    assert [path.name for path in file.parent.glob("*.step-*")] == [f"state.sqlite3.step-{NOW - 1}"]
    fresh = file.parent / "fresh" / "state.sqlite3"
    opened(fresh)
    assert list(fresh.parent.glob("*.step-*")) == []


def test_processes_that_start_together_keep_the_older_records(file: Path) -> None:
    threads = [threading.Thread(target=opened, args=(file,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert step_of(file) == NOW
    assert step_of(copy_of_step(file, NOW - 1)) == NOW - 1


def test_when_the_copy_cannot_be_kept_nothing_is_changed(file: Path) -> None:
    copy_of_step(file, NOW - 1).mkdir()
    with pytest.raises(OSError, match="step-"):
        opened(file)
    assert step_of(file) == NOW - 1


def test_newer_records_are_refused_in_words_that_say_the_way_back(file: Path) -> None:
    opened(file)
    as_if_newer(file)
    with pytest.raises(ConfigError, match="from a newer version") as refused:
        opened(file)
    assert "filehost-dav rollback" in str(refused.value)
    copy_of_step(file, NOW).unlink()
    with pytest.raises(ConfigError, match="from a newer version") as refused:
        opened(file)
    assert "rollback" not in str(refused.value)


def test_going_back_puts_the_older_records_in_place_and_keeps_the_newer(file: Path) -> None:
    opened(file)
    as_if_newer(file)
    assert go_back(file, NOW) == NOW + 1
    assert (step_of(file), mark(file)) == (NOW, "older")
    assert mark(copy_of_step(file, NOW + 1)) == "newer"
    opened(file)


def test_there_is_no_way_back_without_a_copy_nor_while_a_server_runs(file: Path) -> None:
    opened(file)
    with pytest.raises(NotFound, match="before an upgrade"):
        go_back(file, NOW)
    as_if_newer(file)
    database = SqliteDatabase(file)
    database.query("SELECT 1 FROM meta")
    with pytest.raises(Unavailable, match="stop it first"):
        go_back(file, NOW)
    database.close()
    assert step_of(file) == NOW + 1


def test_a_server_goes_on_with_its_users_after_a_rollback(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run("user", "add", "anna", "--data", str(data), stdin="a long password")
    as_if_newer(data / "state.sqlite3")
    with pytest.raises(RuntimeError, match="rollback goes back"):
        Server(data).start()
    assert "before the upgrade" in run("rollback", "--data", str(data)).stdout
    server = Server(data).start()
    with Client(server, Account("anna", "a long password")) as client:
        assert client.propfind("/", "0").status == 207
    server.stop()
