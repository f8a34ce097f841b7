"""What both engines promise to whoever keeps records in them."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from testbed.postgres import Postgres

from filehost_dav.errors import ConfigError, Unavailable
from filehost_dav.state import schema
from filehost_dav.state.database import Database, SqliteDatabase, Statement
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.pulse import SILENCE


@pytest.fixture(params=["sqlite", "sqlite-lasting", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each engine."""
    made: Database = SqliteDatabase(tmp_path / "state.sqlite3", lasting=request.param == "sqlite-lasting")
    if request.param == "postgres":
        made = PostgresDatabase(request.getfixturevalue("postgres").database())
    yield made
    made.close()


@pytest.fixture
def thing(database: Database) -> Database:
    """A database with one small table."""
    with database.transaction() as transaction:
        transaction.execute(
            "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE, size INTEGER, data BLOB, at REAL)"
        )
    return database


def test_values_come_back_as_they_went_in(thing: Database) -> None:
    row = (2**60, "Ünï%cödé ?", 2**62, b"\x00\xff", 1_700_000_000.123456)
    with thing.transaction() as transaction:
        transaction.execute("INSERT INTO thing (id, name, size, data, at) VALUES (?, ?, ?, ?, ?)", row)
    assert thing.query("SELECT * FROM thing WHERE name LIKE 'Ü%' AND id = ?", (2**60,)) == [row]


def test_functions_take_the_numbers_they_are_given(thing: Database) -> None:
    assert thing.query("SELECT CAST(? AS TEXT) || substr('/a/b', ?)", ("/c", 3)) == [("/c/b",)]


def test_truth_is_a_number(thing: Database) -> None:
    with thing.transaction() as transaction:
        transaction.execute("INSERT INTO thing (name, size) VALUES (?, ?)", ("a", True))
    assert thing.query("SELECT size FROM thing WHERE size = ?", (True,)) == [(1,)]


def test_text_is_ordered_by_its_bytes(thing: Database) -> None:
    names = ["a", "B", "é", "a/b", "a b", "A"]
    with thing.transaction() as transaction:
        transaction.execute_many("INSERT INTO thing (name) VALUES (?)", [(name,) for name in names])
    found = [name for (name,) in thing.query("SELECT name FROM thing ORDER BY name")]
    assert found == sorted(names, key=str.encode)
    assert thing.query("SELECT name FROM thing WHERE name >= ? AND name < ?", ("a/", "a0")) == [("a/b",)]


def test_a_failed_transaction_leaves_nothing(thing: Database) -> None:
    def fail() -> None:
        with thing.transaction() as transaction:
            transaction.execute("INSERT INTO thing (name) VALUES ('gone')")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert thing.query("SELECT * FROM thing") == []


def test_a_transaction_that_cannot_be_committed_is_not_in_the_way_of_the_next(thing: Database) -> None:
    def fail() -> None:
        with thing.transaction() as transaction:
            transaction.execute(
                "CREATE TABLE part (whole INTEGER REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED)"
            )
            transaction.execute("INSERT INTO part (whole) VALUES (7)")

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        fail()
    with thing.transaction() as transaction:
        transaction.execute("INSERT INTO thing (id, name) VALUES (1, 'kept')")
    assert thing.query("SELECT name FROM thing") == [("kept",)]


def test_a_transaction_waits_for_the_disk_only_if_it_changed_something(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "state.sqlite3", lasting=True)
    with database.transaction() as transaction:
        transaction.execute("CREATE TABLE thing (id INTEGER)")
    (tmp_path / "state.sqlite3-wal").rename(tmp_path / "away")  # so that waiting fails
    with database.transaction() as transaction:
        transaction.execute("DELETE FROM thing WHERE id = 1")
    with pytest.raises(Unavailable), database.transaction() as transaction:
        transaction.execute("INSERT INTO thing (id) VALUES (1)")
    (tmp_path / "away").rename(tmp_path / "state.sqlite3-wal")
    database.close()


def test_a_transaction_counts_the_rows_it_changes(thing: Database) -> None:
    with thing.transaction() as transaction:
        transaction.execute_many("INSERT INTO thing (name) VALUES (?)", [("a",), ("b",)])
        assert transaction.execute("UPDATE thing SET size = 1") == 2
        assert transaction.execute("DELETE FROM thing WHERE name = 'c'") == 0


def test_what_is_left_for_later_is_counted_and_committed(thing: Database) -> None:
    with thing.transaction() as transaction:
        added = transaction.later("INSERT INTO thing (name) VALUES ('a'), ('b')")
        sized = transaction.later("UPDATE thing SET size = 1 WHERE name = 'a'")
        assert transaction.query("SELECT size FROM thing WHERE name = 'a'") == [(1,)]
        assert (added.changed, sized.changed) == (2, 1)
        transaction.later("DELETE FROM thing WHERE name = 'b'")
    assert thing.query("SELECT name FROM thing") == [("a",)]


def test_a_failure_left_for_later_undoes_everything(thing: Database) -> None:
    def twice() -> None:
        with thing.transaction() as transaction:
            transaction.later("INSERT INTO thing (id, name) VALUES (1, 'a')")
            transaction.later("INSERT INTO thing (id, name) VALUES (1, 'b')")

    for _ in range(2):  # the second time on a connection that has seen the failure
        with pytest.raises(Exception, match=r"(?i)unique"):
            twice()
    assert thing.query("SELECT * FROM thing") == []
    with thing.transaction() as transaction:
        transaction.later("INSERT INTO thing (id, name) VALUES (?, ?)", (1, "a"))
    assert thing.query("SELECT name FROM thing") == [("a",)]


def test_foreseen_answers_end_with_the_first_change(thing: Database) -> None:
    count = Statement("SELECT count(*) FROM thing WHERE size > ?", (0,))
    with thing.transaction() as transaction:
        transaction.foresee([count, Statement("SELECT 1")])
        assert transaction.query(*count) == [(0,)]
        transaction.later("INSERT INTO thing (name, size) VALUES ('a', 1)")
        assert transaction.query(*count) == [(1,)]
    with thing.foreseen([count]):
        assert thing.query(*count) == [(1,)]
        with thing.transaction() as transaction:
            transaction.execute("DELETE FROM thing WHERE id = 1")
        assert thing.query(*count) == [(0,)]


def test_what_goes_along_with_a_question_is_answered_once_and_until_the_first_change(thing: Database) -> None:
    """Where a question costs no round trip, it is only put when it is asked."""
    count = Statement("SELECT count(*) FROM thing WHERE id > ?", (0,))
    at_once = isinstance(thing, PostgresDatabase)
    answers = []
    with thing.alongside(iter([count])):
        thing.query("SELECT 1")
        in_another_thread(lambda: add(thing, "a"))
        answers += [thing.query(*count), thing.query(*count)]
    assert answers == ([[(0,)], [(1,)]] if at_once else [[(1,)], [(1,)]])
    with thing.alongside(iter([count])):
        thing.query("SELECT 1")
        add(thing, "b")
        assert thing.query(*count) == [(2,)]
    with thing.alongside(iter([count])):
        add(thing, "c")
        assert thing.query(*count) == [(3,)]


def add(database: Database, name: str) -> None:
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO thing (name) VALUES (?)", (name,))


def in_another_thread(work: Callable[[], object]) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as hand:
        hand.submit(work).result()


def test_text_with_a_zero_byte_is_never_cut_short(thing: Database) -> None:
    with contextlib.suppress(Exception), thing.transaction() as transaction:
        transaction.execute("INSERT INTO thing (name) VALUES (?)", ("a\0b",))
    assert thing.query("SELECT count(*) FROM thing WHERE name = 'a'") == [(0,)]


def test_transactions_of_one_subject_run_one_after_the_other(thing: Database) -> None:
    with thing.transaction() as transaction:
        transaction.execute("INSERT INTO thing (name, size) VALUES ('counter', 0)")

    def count() -> None:
        for _ in range(25):
            with thing.transaction("alice") as transaction:
                ((size,),) = transaction.query("SELECT size FROM thing")
                transaction.execute("UPDATE thing SET size = ?", (size + 1,))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert thing.query("SELECT size FROM thing") == [(100,)]


def test_a_reader_is_not_held_up_by_a_writer(thing: Database) -> None:
    with thing.transaction("alice") as transaction:
        transaction.execute("INSERT INTO thing (name) VALUES ('new')")
        seen: list[object] = []
        reader = threading.Thread(target=lambda: seen.extend(thing.query("SELECT * FROM thing")))
        reader.start()
        reader.join(5)
        assert not reader.is_alive()
        assert seen == []


def test_connections_are_not_carried_across_a_fork(thing: Database) -> None:
    thing.query("SELECT 1")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with thing.transaction() as transaction:
                transaction.execute("INSERT INTO thing (name) VALUES ('child')")
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert thing.query("SELECT name FROM thing") == [("child",)]


def test_the_tables_are_made_once_whoever_starts_first(database: Database) -> None:
    steps: list[int] = []
    threads = [threading.Thread(target=lambda: steps.append(schema.migrate(database))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(steps) == [0, 0, len(schema.STEPS)]


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    schema.migrate(database)
    with database.transaction() as transaction:
        transaction.execute("UPDATE meta SET value = '999' WHERE name = 'schema'")
    with pytest.raises(ConfigError, match="newer version"):
        schema.migrate(database)


@pytest.mark.postgres
def test_nobody_waits_for_the_disk_or_the_standby_of_another(request: pytest.FixtureRequest) -> None:
    """With a standby that never answers no change is done, and yet the next begins on what it has changed."""
    url = request.getfixturevalue("postgres").database()
    administrator, database = PostgresDatabase(url), PostgresDatabase(url)
    administrator.query("ALTER ROLE CURRENT_USER SET synchronous_commit = on")  # for later sessions
    writer = threading.Thread(target=add_until_told, args=(database,))
    administrator.query("CREATE TABLE thing (name TEXT)")
    with standby_missing(administrator):
        writer.start()
        wait_for(administrator, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        with database.transaction("alice") as transaction:
            found = transaction.query("SELECT count(*) FROM thing")
        assert found == database.query("SELECT count(*) FROM thing") != [(0,)]
        assert writer.is_alive()
        administrator.query("DROP TABLE thing")
    writer.join(10)
    assert not writer.is_alive()
    administrator.close()
    database.close()


def add_until_told(database: Database) -> None:
    """A row after the other into `thing`, as long as that is there."""
    with contextlib.suppress(psycopg.errors.UndefinedTable):
        while True:
            with database.transaction("alice") as transaction:
                transaction.later("INSERT INTO thing (name) VALUES ('x')")


@contextlib.contextmanager
def standby_missing(database: Database) -> Iterator[None]:
    """Whoever waits for what was committed waits for a server that does not exist."""
    database.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    database.query("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        database.query("ALTER SYSTEM RESET synchronous_standby_names")
        database.query("SELECT pg_reload_conf()")


def wait_for(database: Database, question: str) -> None:
    """Until it has an answer."""
    end = time.monotonic() + 20
    while not database.query(question):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.postgres
def test_patient_work_has_no_limit_of_time(request: pytest.FixtureRequest) -> None:
    database = PostgresDatabase(request.getfixturevalue("postgres").database())
    assert database.query("SHOW statement_timeout") == [("1min",)]
    assert database.patient().query("SHOW statement_timeout") == [("0",)]
    with database.patient().transaction() as rows:
        assert rows.query("SHOW statement_timeout") == [("0",)]
    database.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_a_frozen_engine_is_unavailable_within_ten_seconds(request: pytest.FixtureRequest) -> None:
    postgres: Postgres = request.getfixturevalue("postgres")
    if postgres.server is None:
        pytest.skip("somebody else's engine is not to be frozen")
    database = PostgresDatabase(postgres.database())
    database.query("CREATE TABLE thing (name TEXT)")
    began = time.monotonic()
    postgres.server.freeze()
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as hands:
            asked = [hands.submit(database.query, "SELECT 1") for _ in range(6)]
            asked.append(hands.submit(database.note, "DELETE FROM thing"))
            refused = [one.exception() for one in asked]
    finally:
        took = time.monotonic() - began
        postgres.server.thaw()
    assert [type(error) for error in refused] == [Unavailable] * len(asked)
    assert took < 12
    assert database.query("SELECT 2") == [(2,)]
    database.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_long_work_is_not_taken_for_a_frozen_engine(request: pytest.FixtureRequest) -> None:
    database = PostgresDatabase(request.getfixturevalue("postgres").database())
    assert database.query("SELECT 1 FROM pg_sleep(?)", (2 * SILENCE + 1,)) == [(1,)]
    database.close()


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_unavailable() -> None:
    database = PostgresDatabase("postgresql://nobody@127.0.0.1:9/nothing")
    with pytest.raises(Unavailable):
        database.query("SELECT 1")


@pytest.mark.postgres
def test_the_engines_restart_is_not_noticed(request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres").database()
    database = PostgresDatabase(url)
    other = PostgresDatabase(url)
    database.query("SELECT 1")
    other.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    assert database.query("SELECT 2") == [(2,)]
    database.close()
    other.close()
