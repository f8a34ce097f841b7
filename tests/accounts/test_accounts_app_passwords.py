"""App passwords: what they open, and how they end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.clock import Clock

from filehost_dav.accounts.app_passwords import AppPasswords
from filehost_dav.accounts.signing_in import SigningIn
from filehost_dav.accounts.users import Users
from filehost_dav.errors import Exists, NotFound, SignInRefused
from filehost_dav.paths import FilePath

HOME = "192.0.2.7"


def test_it_signs_in_with_the_name_and_as_a_token_alone(door: SigningIn, app_passwords: AppPasswords) -> None:
    secret = app_passwords.add("anna", "phone")
    for login in (door.with_password("anna", secret, HOME), door.with_token(secret, HOME)):
        assert login.user.name == "anna"
        assert login.by is not None
        assert login.by.name == "phone"


def test_it_carries_its_bounds(door: SigningIn, app_passwords: AppPasswords) -> None:
    folder = FilePath.parse("/Scans/2026")
    secret = app_passwords.add("anna", "scanner", read_only=True, folder=folder, expires=2_000_000_000)
    found = door.with_token(secret, HOME).by
    assert found is not None
    assert (found.read_only, found.folder, found.expires) == (True, folder, 2_000_000_000)


def test_it_is_easy_to_type_and_its_secret_is_not_kept(app_passwords: AppPasswords, file: Path) -> None:
    secret = app_passwords.add("anna", "phone")
    assert re.fullmatch(r"([a-km-np-z2-9]{5}-){4}[a-km-np-z2-9]{5}", secret)
    assert not any(secret.encode() in path.read_bytes() for path in file.parent.iterdir())


def test_another_user_s_name_does_not_go_with_it(door: SigningIn, app_passwords: AppPasswords) -> None:
    with pytest.raises(SignInRefused):
        door.with_password("bert", app_passwords.add("anna", "phone"), HOME)


def test_it_does_not_open_the_account_itself(door: SigningIn, app_passwords: AppPasswords) -> None:
    with pytest.raises(SignInRefused):
        door.with_account_password("anna", app_passwords.add("anna", "phone"), HOME)


def test_it_ends_when_it_expires(door: SigningIn, app_passwords: AppPasswords, clock: Clock) -> None:
    secret = app_passwords.add("anna", "guest", expires=int(clock.now) + 60)
    door.with_token(secret, HOME)
    clock.now += 60
    with pytest.raises(SignInRefused):
        door.with_token(secret, HOME)


@pytest.mark.parametrize("end", ["revoke", "disable", "remove"])
def test_it_ends_at_once(door: SigningIn, app_passwords: AppPasswords, users: Users, end: str) -> None:
    secret = app_passwords.add("anna", "phone")
    door.with_password("anna", secret, HOME)
    ends: dict[str, Callable[[], None]] = {
        "revoke": lambda: app_passwords.revoke("anna", "phone"),
        "disable": lambda: users.disable("anna"),
        "remove": lambda: users.remove("anna"),
    }
    ends[end]()
    with pytest.raises(SignInRefused):
        door.with_password("anna", secret, HOME)


def test_it_survives_a_new_password_of_the_account(
    door: SigningIn, app_passwords: AppPasswords, users: Users
) -> None:
    secret = app_passwords.add("anna", "phone")
    users.set_password("anna", "hash")
    assert door.with_token(secret, HOME).user.name == "anna"


def test_the_last_use_is_noted(door: SigningIn, app_passwords: AppPasswords, clock: Clock) -> None:
    secret = app_passwords.add("anna", "phone")
    assert app_passwords.of("anna")[0].used is None
    door.with_token(secret, HOME)
    clock.now += 30
    door.with_token(secret, HOME)
    (found,) = app_passwords.of("anna")
    assert (found.used, found.used_from) == (int(clock.now) - 30, HOME)


def test_a_name_is_one_device(app_passwords: AppPasswords) -> None:
    app_passwords.add("anna", "phone")
    app_passwords.add("bert", "phone")
    with pytest.raises(Exists, match="phone"):
        app_passwords.add("anna", "phone")


def test_only_its_owner_s_are_listed_and_revoked(app_passwords: AppPasswords) -> None:
    app_passwords.add("anna", "phone")
    with pytest.raises(NotFound):
        app_passwords.revoke("bert", "phone")
    assert app_passwords.of("bert") == []
    (found,) = app_passwords.of("anna")
    app_passwords.revoke("anna", found.id)
    assert app_passwords.of("anna") == []


@pytest.mark.parametrize("token", ["", "x", "aaaaa-aaaaa-aaaaa-aaaaa-aaaaa", "\ud800", "x" * 100_000])
def test_another_token_is_refused(door: SigningIn, token: str) -> None:
    with pytest.raises(SignInRefused):
        door.with_token(token, HOME)
