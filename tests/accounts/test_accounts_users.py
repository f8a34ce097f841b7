"""Users in the records."""

from __future__ import annotations

import pytest

from filehost_dav.accounts.users import ANY_TYPE, User, Users
from filehost_dav.errors import BadPath, Exists, NotFound
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import OWNED


def test_what_was_added_is_found(users: Users) -> None:
    anna = User("anna", quota=10, extensions=frozenset({"txt", "pdf"}))
    users.add(anna, "hash")
    found = users.find("anna")
    assert found is not None
    assert (found.user, found.password) == (anna, "hash")


@pytest.mark.parametrize("extensions", [None, frozenset[str](), ANY_TYPE])
def test_no_list_an_empty_list_and_any_type_are_three_things(
    users: Users, extensions: frozenset[str] | None
) -> None:
    users.add(User("anna", extensions=extensions), "hash")
    assert users.list()[0].extensions == extensions


def test_names_that_differ_only_in_case_are_one(users: Users) -> None:
    users.add(User("Straße"), "hash")
    with pytest.raises(Exists, match="Straße"):
        users.add(User("STRASSE"), "hash")


def test_a_name_that_cannot_be_a_folder_is_refused(users: Users) -> None:
    with pytest.raises(BadPath):
        users.add(User("../anna"), "hash")
    assert users.list() == []


def test_both_spellings_of_an_accent_find_the_same_user(users: Users) -> None:
    users.add(User("Zoe\u0308"), "hash")
    assert users.find("Zoe\u0308") == users.find("Zo\u00eb")
    assert users.find("Zo\u00eb") is not None


@pytest.mark.parametrize("name", ["", "\ud800", "a\0", "x" * 1000])
def test_a_name_nobody_can_have_finds_nobody(users: Users, name: str) -> None:
    assert users.find(name) is None


def test_each_change_changes_only_what_it_says(users: Users) -> None:
    users.add(User("anna"), "hash")
    users.add(User("bert"), "hash")
    users.set_quota("anna", 5)
    users.disable("anna")
    users.set_extensions("anna", ANY_TYPE)
    users.set_password("anna", "new")
    assert users.list() == [User("anna", disabled=True, quota=5, extensions=ANY_TYPE), User("bert")]
    users.enable("anna")
    assert users.list()[0].disabled is False


def test_whoever_is_not_there_cannot_be_changed(users: Users) -> None:
    for change in (users.disable, users.enable, users.remove):
        with pytest.raises(NotFound, match="no user anna"):
            change("anna")
    with pytest.raises(NotFound):
        users.set_password("anna", "hash")


def test_a_removed_user_leaves_no_record(users: Users, database: SqliteDatabase) -> None:
    users.add(User("anna"), "hash")
    users.add(User("bert"), "hash")
    with database.transaction() as transaction:
        for name in ("anna", "bert"):
            transaction.execute(
                "INSERT INTO lock VALUES (?, ?, '/', '0', 'exclusive', ?, '', 1, 1)", (name, name, name)
            )
    users.remove("anna")
    assert users.find("anna") is None
    assert database.query("SELECT owner FROM lock") == [("bert",)]


def test_every_table_with_an_owner_is_emptied_for_a_removed_user(database: SqliteDatabase) -> None:
    owned = {
        table
        for (table,) in database.query("SELECT name FROM sqlite_master WHERE type = 'table'")
        if database.query("SELECT 1 FROM pragma_table_info(?) WHERE name = 'owner'", (table,))
    }
    assert owned == set(OWNED)
