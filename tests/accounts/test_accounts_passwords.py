"""Hashes: made, verified, replaced, and bounded in number and in what they tell."""

from __future__ import annotations

import statistics
import threading
import time

import bcrypt
import pytest

from filehost_dav.accounts.passwords import Cost, Passwords

CHEAP = Cost(memory=64 * 1024, rounds=1, lanes=1)


def test_new_hashes_are_argon2id_with_the_parameters_asked_for() -> None:
    assert (
        Passwords(Cost(memory=1024 * 1024, rounds=2, lanes=3))
        .hash("x")
        .startswith("$argon2id$v=19$m=1024,t=2,p=3$")
    )


@pytest.mark.parametrize("password", ["secret", "", "pässwörd ☃", "x" * 1024, "a:b"])
def test_only_the_right_password_is_right(passwords: Passwords, password: str) -> None:
    stored = passwords.hash(password)
    assert passwords.verify(password, stored) == (True, None)
    assert passwords.verify(password + "x", stored) == (False, None)


def test_an_unknown_user_is_never_right(passwords: Passwords) -> None:
    assert passwords.verify("nobody has this password", None) == (False, None)


def test_a_hash_of_lower_cost_is_replaced_when_it_was_right() -> None:
    old = Passwords(CHEAP).hash("x")
    dearer = Passwords(Cost(memory=128 * 1024, rounds=2, lanes=1))
    assert dearer.verify("wrong", old) == (False, None)
    right, replacement = dearer.verify("x", old)
    assert right
    assert replacement is not None
    assert "m=128,t=2" in replacement
    assert dearer.verify("x", replacement) == (True, None)


# Each made by htpasswd from "secret": -m, -s, -B, -2, -5.
APACHE = (
    "$apr1$z10E2nQ1$jKiKMlnlT7DhBm6VrGgD7/",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "$2y$05$GyGBn9DGddS7VEQoXr3pXuqiRFgNjmcJpZWHa/e2LxUJZDMYaqrzK",
    "$5$Rd99BvGYOm2pXmnP$zh9lH/vWnGgopjaNHMDK77V5I3jSO7O2dEoK3u2yH37",
    "$6$tun1dw1e8pGPmhGx$8uBO5de6XHzB87uIUHDoEms0aOt0kIlqO7fIyPM2HGBXSqB6PegFpUooEkU97u.6gLSgXQd6.8LaY1i6mk9nM0",
)


@pytest.mark.parametrize("stored", APACHE)
def test_a_hash_of_apache_is_verified_and_replaced(passwords: Passwords, stored: str) -> None:
    assert passwords.knows(stored)
    assert passwords.verify("wrong", stored) == (False, None)
    right, replacement = passwords.verify("secret", stored)
    assert right
    assert passwords.verify("secret", replacement) == (True, None)


@pytest.mark.parametrize("stored", APACHE)
@pytest.mark.parametrize("password", ["secret\0", "s" * 200, "☃" * 50])
def test_an_odd_password_for_such_a_hash_is_only_wrong(
    passwords: Passwords, stored: str, password: str
) -> None:
    assert passwords.verify(password, stored) == (False, None)


def test_a_bcrypt_hash_of_a_long_password_is_verified_as_it_was_made(passwords: Passwords) -> None:
    stored = "$2y$05$Ic9MKw2eUTE7R0kPB2lNcO4VyVq3w0y2oJX5Kv6G0T6aI5ZrEo1Yy"
    stored = bcrypt.hashpw(b"x" * 72, stored[:29].encode()).decode()
    right, replacement = passwords.verify("x" * 80, stored)
    assert right
    assert passwords.verify("x" * 80, replacement) == (True, None)
    assert passwords.verify("x" * 72, replacement) == (False, None)


@pytest.mark.parametrize("stored", ["secret", "9kZ1wENGwXsok", "", "$1$a"])
def test_plain_text_and_the_old_crypt_are_not_known(passwords: Passwords, stored: str) -> None:
    assert not passwords.knows(stored)


def test_more_hashes_than_allowed_wait_for_their_turn() -> None:
    passwords = Passwords(Cost(memory=8 * 1024 * 1024, rounds=4, lanes=1), at_once=1)
    stored = passwords.hash("x")
    right: list[bool] = []
    threads = [
        threading.Thread(target=lambda: right.append(passwords.verify("x", stored)[0])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 6


@pytest.mark.timing
def test_time_does_not_tell_an_unknown_user_from_a_wrong_password() -> None:
    passwords = Passwords(Cost(memory=4 * 1024 * 1024, rounds=2, lanes=1))
    stored = passwords.hash("x")
    passwords.verify("y", None)
    known, unknown = ([], [])
    for _ in range(40):
        for times, against in ((known, stored), (unknown, None)):
            started = time.perf_counter()
            passwords.verify("y", against)
            times.append(time.perf_counter() - started)
    assert 0.7 < statistics.median(known) / statistics.median(unknown) < 1.4
