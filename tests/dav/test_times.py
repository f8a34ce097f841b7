"""Points of time, out and in."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filehost_dav.dav.times import http_date, iso_date, moment_of

SECOND = 1_000_000_000


@given(st.integers(-(10**9), 10**10))
def test_dates_are_those_of_the_standard_library(second: int) -> None:
    assert http_date(second * SECOND) == formatdate(second, usegmt=True)
    assert moment_of(http_date(second * SECOND)) == second * SECOND
    assert moment_of(iso_date(second * SECOND)) == second * SECOND


@given(st.integers(-(2**70), 2**70))
def test_any_time_of_a_file_can_be_told(moment: int) -> None:
    assert http_date(moment).endswith(" GMT")
    assert iso_date(moment).endswith("Z")


@given(st.text())
def test_any_text_is_a_moment_or_none(text: str) -> None:
    assert moment_of(text) is None or isinstance(moment_of(text), int)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Tue, 15 Nov 1994 12:45:26 GMT", 784_903_526 * SECOND),
        (" Tue, 15 Nov 1994 12:45:26 GMT\r\n", 784_903_526 * SECOND),
        ("Tue, 15 Nov 1994 13:45:26 +0100", 784_903_526 * SECOND),
        ("1994-11-15T12:45:26Z", 784_903_526 * SECOND),
        ("1994-11-15T12:45:26.25Z", 784_903_526 * SECOND + SECOND // 4),
        ("784903526", 784_903_526 * SECOND),
        ("784903526.5", 784_903_526 * SECOND + SECOND // 2),
        ("0", 0),
        ("", None),
        ("yesterday", None),
        ("-5", -5 * SECOND),
        ("1e9", None),
        ("9" * 30, None),
        ("Tue, 99 Nov 1994 12:45:26 GMT", None),
    ],
)
def test_a_client_may_write_a_moment_in_several_ways(text: str, moment: int | None) -> None:
    assert moment_of(text) == moment
