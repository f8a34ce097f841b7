"""Who must wait after failed sign-ins, how long, and who must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.clock import Clock

from filehost_dav.accounts.passwords import Passwords
from filehost_dav.accounts.signing_in import SigningIn
from filehost_dav.accounts.throttle import Patience, Throttle
from filehost_dav.errors import SignInRefused, Throttled
from filehost_dav.state.database import SqliteDatabase

HOME, NEIGHBOUR, ELSEWHERE = "192.0.2.7", "192.0.2.8", "203.0.113.9"


def fail(throttle: Throttle, times: int, name: str = "anna", address: str = ELSEWHERE) -> None:
    for _ in range(times):
        throttle.failed(name, address)


def wait(throttle: Throttle, name: str = "anna", address: str = ELSEWHERE) -> int:
    """Seconds this user at this address has to wait."""
    try:
        throttle.check(name, address)
    except Throttled as error:
        return error.retry_after
    return 0


def test_some_failures_are_free_then_the_wait_doubles_up_to_the_longest(throttle: Throttle) -> None:
    waits = []
    for _ in range(16):
        fail(throttle, 1)
        waits.append(wait(throttle))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_after_the_wait_the_next_one_is_let_in(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, 6)
    clock.now += 2
    assert wait(throttle) == 0


def test_without_failures_all_is_forgotten(throttle: Throttle, clock: Clock) -> None:
    fail(throttle, 20)
    clock.now += 3601
    fail(throttle, 1)
    assert wait(throttle) == 0


def test_the_right_password_forgives(throttle: Throttle) -> None:
    fail(throttle, 4)
    throttle.succeeded("anna", ELSEWHERE)
    fail(throttle, 4)
    assert wait(throttle) == 0


def test_guessing_many_names_from_one_address_is_slowed(throttle: Throttle) -> None:
    for number in range(20):
        fail(throttle, 1, f"user{number}")
    assert wait(throttle, "anybody") > 0
    assert wait(throttle, "anybody", HOME) == 0


def test_guessing_from_a_whole_network_is_slowed(throttle: Throttle) -> None:
    for number in range(100):
        fail(throttle, 1, f"user{number}", f"203.0.113.{number}")
    assert wait(throttle, "anybody", "203.0.113.200") > 0
    assert wait(throttle, "anybody", HOME) == 0


def test_guessing_one_user_from_everywhere_is_slowed(throttle: Throttle) -> None:
    for number in range(50):
        fail(throttle, 1, "anna", f"203.0.{number}.1")
    assert wait(throttle, "anna", "198.51.100.1") > 0
    assert wait(throttle, "bert", "198.51.100.1") == 0


@pytest.mark.parametrize("address", ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"])
def test_an_ipv6_customer_has_one_address(throttle: Throttle, address: str) -> None:
    fail(throttle, 5, address="2001:db8:1:2:3:4:5:6")
    assert wait(throttle, address=address) > 0
    assert wait(throttle, address="2001:db8:1:3::1") == 0


def test_an_ipv4_address_is_the_same_in_an_ipv6_socket(throttle: Throttle) -> None:
    fail(throttle, 5, address=f"::ffff:{ELSEWHERE}")
    assert wait(throttle) > 0


def test_a_user_is_not_locked_out_of_a_network_where_they_signed_in_before(throttle: Throttle) -> None:
    throttle.succeeded("anna", HOME)
    for number in range(60):
        fail(throttle, 1, "anna", f"203.0.{number}.1")
    for number in range(30):
        fail(throttle, 1, f"user{number}", NEIGHBOUR)
    assert wait(throttle, "anna", HOME) == 0
    assert wait(throttle, "anna", NEIGHBOUR) == 0
    assert wait(throttle, "bert", NEIGHBOUR) > 0


def test_typing_errors_at_home_do_not_count_against_the_user_elsewhere(throttle: Throttle) -> None:
    throttle.succeeded("anna", HOME)
    fail(throttle, 60, "anna", HOME)
    assert wait(throttle, "anna", HOME) > 0
    assert wait(throttle, "anna", ELSEWHERE) == 0


def test_failures_in_one_process_count_in_all(
    throttle: Throttle, file: Path, clock: Callable[[], float]
) -> None:
    fail(throttle, 5)
    elsewhere = SqliteDatabase(file)
    assert wait(Throttle(elsewhere, Patience(), clock)) > 0
    elsewhere.close()


@pytest.mark.parametrize("name", ["", "x" * 10_000, "a b", "a\nb", "\ud800", "user x at y", "Zoe\u0308"])
def test_any_name_can_be_counted(throttle: Throttle, name: str) -> None:
    fail(throttle, 5, name)
    assert wait(throttle, name) > 0


@pytest.mark.parametrize("address", ["", "unix:", "fe80::1%eth0", "999.1.1.1"])
def test_any_address_can_be_counted(throttle: Throttle, address: str) -> None:
    fail(throttle, 5, address=address)
    assert wait(throttle, address=address) > 0


def test_bans_are_listed_the_longest_first_and_cleared_by_user_or_address(throttle: Throttle) -> None:
    fail(throttle, 6, "bert", HOME)
    fail(throttle, 8)
    assert [ban.subject for ban in throttle.bans()] == ["user anna at 203.0.113.9", "user bert at 192.0.2.7"]
    assert throttle.clear("bert") == 2
    assert wait(throttle, "bert", HOME) == 0
    assert wait(throttle) > 0
    throttle.clear(ELSEWHERE)
    assert wait(throttle) == 0
    assert throttle.clear() > 0
    assert throttle.bans() == []


def test_an_attacker_waits_and_the_signed_in_user_does_not_notice(door: SigningIn) -> None:
    door.with_password("anna", "secret", ELSEWHERE)
    for number in range(5):
        with pytest.raises(SignInRefused):
            door.with_password("anna", f"guess{number}", ELSEWHERE)
    with pytest.raises(Throttled):
        door.with_password("anna", "guess", ELSEWHERE)
    assert door.with_password("anna", "secret", ELSEWHERE).user.name == "anna"


def test_whoever_waits_costs_no_hash(door: SigningIn, counted: Passwords) -> None:
    for number in range(20):
        with pytest.raises((SignInRefused, Throttled)):
            door.with_password("anna", f"guess{number}", ELSEWHERE)
    assert counted.verified == 5  # type: ignore[attr-defined]
