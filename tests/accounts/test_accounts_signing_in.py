"""Signing in: who gets in, what is remembered, and when that is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.signing_in import SigningIn
from filehost_dav.accounts.users import User, Users
from filehost_dav.errors import SignInRefused
from filehost_dav.state.database import SqliteDatabase


class Clock(Protocol):
    """A clock that the test turns."""

    now: float

    def __call__(self) -> float: ...


class CountedPasswords(Passwords):
    """Real hashes, counted."""

    verified = 0

    def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        self.verified += 1
        return super().verify(password, stored)


@pytest.fixture
def counted() -> CountedPasswords:
    return CountedPasswords(Cost(memory=64 * 1024, rounds=1, lanes=1))


@pytest.fixture
def door(users: Users, counted: CountedPasswords, database: SqliteDatabase, clock: Clock) -> SigningIn:
    users.add(User("anna", quota=1), counted.hash("secret"))
    return SigningIn(users, counted, generation=database.generation, key=b"k" * 32, clock=clock, remember=300)


def test_the_right_password_gives_the_user(door: SigningIn) -> None:
    assert door.with_password("anna", "secret") == User("anna", quota=1)


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("anna", ""), ("bert", "secret"), ("", ""), ("Anna", "secret")]
)
def test_anything_else_is_refused_with_the_same_words(door: SigningIn, name: str, password: str) -> None:
    with pytest.raises(SignInRefused) as caught:
        door.with_password(name, password)
    assert caught.value.message == "The user name or the password is wrong"


def test_a_disabled_user_is_refused_with_the_same_words(door: SigningIn, users: Users) -> None:
    users.disable("anna")
    with pytest.raises(SignInRefused, match="The user name or the password is wrong"):
        door.with_password("anna", "secret")


def test_a_verified_password_is_not_computed_again_for_minutes(
    door: SigningIn, counted: CountedPasswords, clock: Clock
) -> None:
    for _ in range(5):
        door.with_password("anna", "secret")
    assert counted.verified == 1
    clock.now += 301
    door.with_password("anna", "secret")
    assert counted.verified == 2


def test_a_wrong_password_is_never_remembered(door: SigningIn, counted: CountedPasswords) -> None:
    for _ in range(3):
        with pytest.raises(SignInRefused):
            door.with_password("anna", "wrong")
    assert counted.verified == 3


def test_a_new_password_counts_at_once_whoever_set_it(
    door: SigningIn, counted: CountedPasswords, file: Path
) -> None:
    door.with_password("anna", "secret")
    elsewhere = SqliteDatabase(file)
    Users(elsewhere, lambda: 0).set_password("anna", counted.hash("other"))
    elsewhere.close()
    with pytest.raises(SignInRefused):
        door.with_password("anna", "secret")
    assert door.with_password("anna", "other").name == "anna"


@pytest.mark.parametrize("change", [Users.disable, Users.remove])
def test_a_disabled_or_removed_user_is_out_at_once(
    door: SigningIn, users: Users, change: Callable[[Users, str], None]
) -> None:
    door.with_password("anna", "secret")
    change(users, "anna")
    with pytest.raises(SignInRefused):
        door.with_password("anna", "secret")


def test_other_changes_of_the_records_cost_no_hash(
    door: SigningIn, users: Users, counted: CountedPasswords
) -> None:
    door.with_password("anna", "secret")
    users.add(User("bert"), "hash")
    users.set_quota("anna", 7)
    assert door.with_password("anna", "secret") == User("anna", quota=7)
    assert counted.verified == 1


def test_a_hash_of_lower_cost_is_replaced_at_sign_in(
    door: SigningIn, users: Users, database: SqliteDatabase, clock: Clock
) -> None:
    dearer = CountedPasswords(Cost(memory=128 * 1024, rounds=1, lanes=1))
    later = SigningIn(users, dearer, generation=database.generation, key=b"k" * 32, clock=clock, remember=300)
    later.with_password("anna", "secret")
    account = users.find("anna")
    assert account is not None
    assert "m=128," in account.password
    later.with_password("anna", "secret")
    assert dearer.verified == 1


def test_name_and_password_are_not_confused(door: SigningIn, users: Users, counted: CountedPasswords) -> None:
    door.with_password("anna", "secret")
    with pytest.raises(SignInRefused):
        door.with_password("annas", "ecret")
