"""Sizes and durations, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from filehost_dav.config.quantities import duration, duration_as_text, size, size_as_text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("1500", 1500),
        ("10 GiB", 10 * 2**30),
        ("10GB", 10**10),
        ("1.5 MiB", 3 * 2**19),
        (" 500 mb ", 500_000_000),
        ("3 B", 3),
    ],
)
def test_a_size_is_in_bytes(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("30 s", 30), ("5min", 300), ("2 h", 7200)])
def test_a_duration_is_in_seconds(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "GiB", "-1 GiB", "1 GiB 2", "1e9", "ten", "1 Gi", "５ MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="500 MB"):
        size(text)


@pytest.mark.parametrize("text", ["", "d", "-3 s", "1 week", "1 MB"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="30 s"):
        duration(text)


@given(some.integers(min_value=0, max_value=2**60))
def test_what_is_written_reads_back_as_the_same(number: int) -> None:
    assert size(size_as_text(number)) == number
    assert duration(duration_as_text(number)) == number
