"""Dead properties follow their files, stay with their owner, and survive what happens to the files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from filehost_dav.errors import QuotaExceeded
from filehost_dav.paths import FilePath
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.properties import MOST, Properties
from filehost_dav.state.schema import migrate


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "state.sqlite3")
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def properties(database: SqliteDatabase) -> Properties:
    return Properties(database)


def at(text: str) -> FilePath:
    return FilePath.parse(text)


def put(properties: Properties, owner: str, *paths: str) -> None:
    for path in paths:
        properties.change(owner, at(path), [("{urn:x}color", f"<c>{path}</c>")])


def everything(database: SqliteDatabase, owner: str) -> dict[str, str]:
    return dict(database.query("SELECT path, value FROM property WHERE owner = ? ORDER BY path", (owner,)))


def test_a_value_is_kept_as_it_was_given(properties: Properties) -> None:
    value = '<x:p xmlns:x="urn:x" xml:lang="de">Grüße <b/> &amp; <![CDATA[<]]></x:p>\r\n'
    properties.change("ann", at("/a.txt"), [("{urn:x}p", value)])
    assert properties.of("ann", at("/a.txt")) == {"{urn:x}p": value}


def test_changes_apply_in_their_order(properties: Properties) -> None:
    name = "{urn:x}p"
    properties.change("ann", at("/a"), [(name, "<one/>"), (name, "<two/>")])
    assert properties.of("ann", at("/a")) == {name: "<two/>"}
    properties.change("ann", at("/a"), [(name, None), ("{urn:x}q", "<q/>"), (name, "<three/>")])
    assert properties.of("ann", at("/a")) == {name: "<three/>", "{urn:x}q": "<q/>"}
    properties.change("ann", at("/a"), [(name, "<four/>"), (name, None), ("{urn:x}never", None)])
    assert properties.of("ann", at("/a")) == {"{urn:x}q": "<q/>"}


def test_a_listing_gets_the_direct_members_only(properties: Properties) -> None:
    put(properties, "ann", "/", "/f", "/f/a.txt", "/f/b", "/f/b/deep.txt", "/f0", "/fa/x")
    assert set(properties.of_members("ann", at("/f"))) == {"a.txt", "b"}
    assert set(properties.of_members("ann", at("/"))) == {"f", "f0"}


def test_users_never_see_each_others(properties: Properties) -> None:
    put(properties, "ann", "/doc")
    assert properties.of("bob", at("/doc")) == {}
    assert properties.of_members("bob", at("/")) == {}
    put(properties, "bob", "/doc")
    properties.change("bob", at("/doc"), [("{urn:x}color", None)])
    assert properties.of("ann", at("/doc"))


def test_none_at_all_is_noticed_to_end_when_another_process_writes(
    properties: Properties, database: SqliteDatabase, tmp_path: Path
) -> None:
    assert properties.of("ann", at("/a")) == {}
    other = SqliteDatabase(tmp_path / "state.sqlite3")
    put(Properties(other), "ann", "/a")
    assert properties.of("ann", at("/a"))
    with other.transaction() as transaction:
        Properties(other).removed(transaction, "ann", at("/a"))
    assert properties.of("ann", at("/a")) == {}
    put(properties, "ann", "/a")
    assert properties.of("ann", at("/a"))
    other.close()


def test_a_move_carries_the_whole_tree_and_nothing_beside_it(
    properties: Properties, database: SqliteDatabase
) -> None:
    put(properties, "ann", "/a", "/a/x/a/f", "/a/ä", "/a.txt", "/ab", "/a0", "/b/old")
    put(properties, "bob", "/a/x")
    with database.transaction() as transaction:
        properties.moved(transaction, "ann", at("/a"), at("/b"))
    assert everything(database, "ann") == {
        "/b": "<c>/a</c>",
        "/b/x/a/f": "<c>/a/x/a/f</c>",
        "/b/ä": "<c>/a/ä</c>",
        "/a.txt": "<c>/a.txt</c>",
        "/ab": "<c>/ab</c>",
        "/a0": "<c>/a0</c>",
    }
    assert set(properties.of_members("ann", at("/b/x/a"))) == {"f"}
    assert set(properties.of_members("ann", at("/"))) == {"b", "a.txt", "ab", "a0"}
    assert everything(database, "bob") == {"/a/x": "<c>/a/x</c>"}


def test_a_copy_has_its_own_and_replaces_the_targets(properties: Properties, database: SqliteDatabase) -> None:
    put(properties, "ann", "/a", "/a/f", "/b", "/b/gone")
    with database.transaction() as transaction:
        properties.copied(transaction, "ann", at("/a"), at("/b"))
        properties.copied(transaction, "ann", at("/a"), at("/flat"), deep=False)
    assert everything(database, "ann") == {
        "/a": "<c>/a</c>",
        "/a/f": "<c>/a/f</c>",
        "/b": "<c>/a</c>",
        "/b/f": "<c>/a/f</c>",
        "/flat": "<c>/a</c>",
    }
    properties.change("ann", at("/b"), [("{urn:x}color", "<c>new</c>")])
    assert properties.of("ann", at("/a")) == {"{urn:x}color": "<c>/a</c>"}


def test_a_delete_takes_all_below(properties: Properties, database: SqliteDatabase) -> None:
    put(properties, "ann", "/a", "/a/f/g", "/ab")
    with database.transaction() as transaction:
        properties.removed(transaction, "ann", at("/a"))
    assert set(everything(database, "ann")) == {"/ab"}
    with database.transaction() as transaction:
        properties.removed(transaction, "ann", at("/"))
    assert everything(database, "ann") == {}


def test_what_a_failed_transaction_did_is_undone(properties: Properties, database: SqliteDatabase) -> None:
    put(properties, "ann", "/a")
    with pytest.raises(QuotaExceeded), database.transaction() as transaction:  # noqa: PT012 - moved must pass
        properties.moved(transaction, "ann", at("/a"), at("/b"))
        raise QuotaExceeded("No room")
    assert set(everything(database, "ann")) == {"/a"}


def test_the_number_at_one_resource_is_bounded_whole_or_nothing(properties: Properties) -> None:
    properties.change("ann", at("/a"), [(f"{{urn:x}}p{n}", "<p/>") for n in range(MOST)])
    with pytest.raises(QuotaExceeded):
        properties.change("ann", at("/a"), [("{urn:x}p0", "<new/>"), ("{urn:x}more", "<p/>")])
    assert properties.of("ann", at("/a"))["{urn:x}p0"] == "<p/>"
    assert len(properties.of("ann", at("/a"))) == MOST
