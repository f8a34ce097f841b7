"""Locks in the database: who gets one, what it covers, when it ends; across processes too."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.clock import Clock

from filehost_dav.errors import Locked, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.locks import Lock, LockStore, Wish
from filehost_dav.state.schema import migrate

RACES = 1000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite3"


@pytest.fixture
def database(file: Path) -> Iterator[SqliteDatabase]:
    opened = SqliteDatabase(file)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: SqliteDatabase, clock: Clock) -> LockStore:
    return LockStore(database, clock=clock)


def at(text: str) -> FilePath:
    return FilePath.parse(text)


def wish(path: str, *, deep: bool = False, exclusive: bool = True, timeout: int = 60) -> Wish:
    return Wish(at(path), deep, exclusive, "alice", "<owner/>", timeout)


def paths(locks: list[Lock]) -> list[str]:
    return sorted(str(lock.path) for lock in locks)


@pytest.mark.parametrize(
    ("held", "wanted", "granted"),
    [
        (wish("/a"), wish("/a"), False),
        (wish("/a"), wish("/b"), True),
        (wish("/a"), wish("/ab"), True),
        (wish("/a"), wish("/a/b"), True),  # depth 0 covers the folder alone
        (wish("/a", deep=True), wish("/a/b"), False),
        (wish("/a", deep=True), wish("/a/b/c"), False),
        (wish("/a/b"), wish("/a"), True),
        (wish("/a/b"), wish("/a", deep=True), False),
        (wish("/"), wish("/a"), True),
        (wish("/", deep=True), wish("/a"), False),
        (wish("/a"), wish("/", deep=True), False),
        (wish("/a", exclusive=False), wish("/a", exclusive=False), True),
        (wish("/a", exclusive=False), wish("/a"), False),
        (wish("/a"), wish("/a", exclusive=False), False),
        (wish("/a/b", exclusive=False), wish("/a", deep=True, exclusive=False), True),
    ],
)
def test_which_locks_get_along(store: LockStore, held: Wish, wanted: Wish, granted: bool) -> None:
    store.acquire("alice", held)
    if granted:
        assert store.acquire("alice", wanted).path == wanted.path
    else:
        with pytest.raises(Locked) as refused:
            store.acquire("alice", wanted)
        assert refused.value.paths == (str(held.path),)


def test_users_do_not_see_each_others_locks(store: LockStore) -> None:
    store.acquire("alice", wish("/a", deep=True))
    assert store.acquire("bob", wish("/a"))
    assert paths(store.covering("carol", at("/a"))) == []
    assert not store.view("carol")


def test_a_lock_covers_its_resource_and_a_deep_one_all_below(store: LockStore) -> None:
    store.acquire("alice", wish("/a", deep=True))
    store.acquire("alice", wish("/b"))
    assert paths(store.covering("alice", at("/a/b/c"))) == ["/a"]
    assert paths(store.covering("alice", at("/b/c"))) == []
    assert paths(store.covering("alice", at("/b"))) == ["/b"]
    assert paths(store.at("alice", at("/a/b"))) == []
    assert paths(store.below("alice", at("/"))) == ["/a", "/b"]
    assert paths(store.below("alice", at("/a"))) == []


def test_a_lock_ends_with_its_time(store: LockStore, clock: Clock) -> None:
    token = store.acquire("alice", wish("/a", timeout=60)).token
    clock.now += 59
    assert store.covering("alice", at("/a"))
    clock.now += 1
    assert not store.covering("alice", at("/a"))
    with pytest.raises(NotFound):
        store.refresh("alice", token, timeout=60)
    assert store.acquire("alice", wish("/a"))


def test_a_refreshed_lock_lasts_from_now(store: LockStore, clock: Clock) -> None:
    token = store.acquire("alice", wish("/a", timeout=60)).token
    clock.now += 50
    assert store.refresh("alice", token, timeout=100).expires == clock.now + 100
    clock.now += 99
    assert store.covering("alice", at("/a"))


def test_nobody_refreshes_or_ends_the_lock_of_another_tree(store: LockStore) -> None:
    token = store.acquire("alice", wish("/a")).token
    with pytest.raises(NotFound):
        store.refresh("bob", token, timeout=60)
    store.release("bob", token)
    assert store.covering("alice", at("/a"))
    store.release("alice", token)
    assert not store.covering("alice", at("/a"))


def test_sweeping_drops_only_what_has_ended(store: LockStore, clock: Clock, database: SqliteDatabase) -> None:
    store.acquire("alice", wish("/a", timeout=10))
    store.acquire("alice", wish("/b", timeout=100))
    clock.now += 50
    store.sweep()
    assert database.query("SELECT path FROM lock") == [("/b",)]


@pytest.mark.parametrize(
    ("what", "left"),
    [("removed", ["/a0", "/ab", "/b"]), ("emptied", ["/a", "/a0", "/ab", "/b"])],
)
def test_locks_end_with_what_is_gone(
    store: LockStore, database: SqliteDatabase, what: str, left: list[str]
) -> None:
    for path in ("/a", "/a/x", "/a/x/y", "/ab", "/a0", "/b"):
        store.acquire("alice", wish(path))
    store.acquire("bob", wish("/a/x"))
    with database.transaction() as transaction:
        getattr(store, what)(transaction, "alice", at("/a"))
    assert paths(store.below("alice", at("/"))) == left
    assert store.view("bob")


def test_a_lock_survives_a_restart(store: LockStore, file: Path, clock: Clock) -> None:
    granted = store.acquire("alice", wish("/über/a b", deep=True))
    again = SqliteDatabase(file)
    assert LockStore(again, clock=clock).covering("alice", at("/über/a b/c")) == [granted]
    again.close()


def test_what_another_process_did_is_seen_at_once(store: LockStore, file: Path, clock: Clock) -> None:
    other = SqliteDatabase(file)
    elsewhere = LockStore(other, clock=clock)
    assert not elsewhere.covering("alice", at("/a"))
    token = store.acquire("alice", wish("/a")).token
    assert elsewhere.covering("alice", at("/a"))
    elsewhere.release("alice", token)
    assert not store.covering("alice", at("/a"))
    other.close()


def test_tokens_are_uris_that_office_accepts(store: LockStore) -> None:
    tokens = {store.acquire("alice", wish(f"/{number}")).token for number in range(50)}
    assert len(tokens) == 50
    assert all(token.startswith("opaquelocktoken:") and token.isascii() for token in tokens)


def test_of_two_processes_that_race_for_a_lock_exactly_one_wins(database: SqliteDatabase, file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        won = pool.map(_race, [str(file)] * 2, chunksize=1)
    winners = list(itertools.chain.from_iterable(won))
    assert sorted(winners) == list(range(RACES))


def _race(file: str) -> list[int]:
    """The numbers of the races that this process won."""
    database = SqliteDatabase(Path(file))
    store = LockStore(database)
    won = []
    for number in range(RACES):
        try:
            store.acquire("alice", wish(f"/{number}", timeout=3600))
        except Locked:
            continue
        won.append(number)
    database.close()
    return won
