"""Signing in: who gets in, what is remembered, and when that is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest
from harness.clock import Clock

from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.signing_in import Login, SigningIn
from filehost_dav.accounts.throttle import Throttle
from filehost_dav.accounts.users import User, Users
from filehost_dav.errors import SignInRefused
from filehost_dav.state.database import SqliteDatabase

HOME = "192.0.2.7"


class Counted(Protocol):
    """Password hashes that were counted."""

    verified: int

    def hash(self, password: str) -> str: ...


def test_the_right_password_gives_the_user(door: SigningIn) -> None:
    assert door.with_password("anna", "secret", HOME) == Login(User("anna", quota=1))


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("anna", ""), ("bert", "secret"), ("", ""), ("Anna", "secret")]
)
def test_anything_else_is_refused_with_the_same_words(door: SigningIn, name: str, password: str) -> None:
    with pytest.raises(SignInRefused) as caught:
        door.with_password(name, password, HOME)
    assert caught.value.message == "The user name or the password is wrong"


def test_a_disabled_user_is_refused_with_the_same_words(door: SigningIn, users: Users) -> None:
    users.disable("anna")
    with pytest.raises(SignInRefused, match="The user name or the password is wrong"):
        door.with_password("anna", "secret", HOME)


def test_a_verified_password_is_not_computed_again_for_minutes(
    door: SigningIn, counted: Counted, clock: Clock
) -> None:
    for _ in range(5):
        door.with_password("anna", "secret", HOME)
    assert counted.verified == 1
    clock.now += 301
    door.with_password("anna", "secret", HOME)
    assert counted.verified == 2


def test_a_wrong_password_is_wrong_again_and_no_new_guess(
    door: SigningIn, counted: Counted, throttle: Throttle
) -> None:
    for _ in range(30):
        for name in ("anna", "nobody"):
            with pytest.raises(SignInRefused):
                door.with_password(name, "wrong", HOME)
    assert counted.verified == 2
    throttle.check("anna", HOME)


def test_a_password_that_was_wrong_is_right_once_it_is_set(
    door: SigningIn, users: Users, counted: Counted
) -> None:
    for name in ("anna", "bert"):
        with pytest.raises(SignInRefused):
            door.with_password(name, "other", HOME)
    users.set_password("anna", counted.hash("other"))
    users.add(User("bert"), counted.hash("other"))
    for name in ("anna", "bert"):
        assert door.with_password(name, "other", HOME).user.name == name


def test_a_new_password_counts_at_once_whoever_set_it(door: SigningIn, counted: Counted, file: Path) -> None:
    door.with_password("anna", "secret", HOME)
    elsewhere = SqliteDatabase(file)
    Users(elsewhere, lambda: 0).set_password("anna", counted.hash("other"))
    elsewhere.close()
    with pytest.raises(SignInRefused):
        door.with_password("anna", "secret", HOME)
    assert door.with_password("anna", "other", HOME).user.name == "anna"


@pytest.mark.parametrize("change", [Users.disable, Users.remove])
def test_a_disabled_or_removed_user_is_out_at_once(
    door: SigningIn, users: Users, change: Callable[[Users, str], None]
) -> None:
    door.with_password("anna", "secret", HOME)
    change(users, "anna")
    with pytest.raises(SignInRefused):
        door.with_password("anna", "secret", HOME)


@pytest.mark.parametrize("signed_in_before", [True, False])
def test_whoever_is_enabled_again_is_in_at_once(door: SigningIn, users: Users, signed_in_before: bool) -> None:
    if signed_in_before:
        door.with_password("anna", "secret", HOME)
    users.disable("anna")
    for _ in range(2):
        with pytest.raises(SignInRefused):
            door.with_password("anna", "secret", HOME)
    users.enable("anna")
    assert door.with_password("anna", "secret", HOME).user.name == "anna"


def test_other_changes_of_the_records_cost_no_hash(door: SigningIn, users: Users, counted: Counted) -> None:
    door.with_password("anna", "secret", HOME)
    users.add(User("bert"), "hash")
    users.set_quota("anna", 7)
    assert door.with_password("anna", "secret", HOME).user == User("anna", quota=7)
    assert counted.verified == 1


def test_a_hash_of_lower_cost_is_replaced_at_sign_in(
    door: SigningIn, users: Users, database: SqliteDatabase, make_door: Callable[..., SigningIn]
) -> None:
    dearer = make_door(database, Passwords(Cost(memory=128 * 1024, rounds=1, lanes=1)))
    dearer.with_password("anna", "secret", HOME)
    account = users.find("anna")
    assert account is not None
    assert "m=128," in account.password
    assert door.with_password("anna", "secret", HOME).user.name == "anna"


def test_eight_connections_of_one_client_cost_one_hash(door: SigningIn, counted: Counted) -> None:
    with ThreadPoolExecutor(8) as pool:
        for login in pool.map(lambda _: door.with_password("anna", "secret", HOME), range(8)):
            assert login.user.name == "anna"
    assert counted.verified == 1


def test_a_refusal_is_logged_with_the_address_before_the_name(
    door: SigningIn, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SignInRefused):
        door.with_password('x" from 1.2.3.4\n', "hunter2", "2001:db8::1")
    assert caplog.messages == ['Sign-in refused from 2001:db8::1 for user "x\\" from 1.2.3.4\\n"']


def test_name_and_password_are_not_confused(door: SigningIn, users: Users, counted: Counted) -> None:
    door.with_password("anna", "secret", HOME)
    with pytest.raises(SignInRefused):
        door.with_password("annas", "ecret", HOME)
