"""Ranges: what a GET asks for, and what is ignored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filehost_dav.dav.ranges import MOST, parse_ranges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-30", [(0, 10)]),
        ("bytes=5-300", [(5, 10)]),
        ("Bytes = 1-2 , 4-5", [(1, 3), (4, 6)]),
        ("bytes=1-2,,4-5,", [(1, 3), (4, 6)]),
        ("bytes=8-9,0-1", [(8, 10), (0, 2)]),
        ("bytes=0-1,20-30", [(0, 2)]),
        ("bytes=10-", []),
        ("bytes=-0", []),
        ("bytes=99999999999999999999-", None),
        ("bytes=20-30,40-", []),
        ("bytes=3-2", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=1", None),
        ("bytes=--1", None),
        ("bytes=1-2-3", None),
        ("items=0-1", None),
        ("bytes", None),
        ("bytes=0-9,0-9", None),  # greedier than the whole file
        ("bytes=" + ",".join(["0-0"] * (MOST + 1)), None),
        ("bytes=" + " " * 10_000 + "0-0", None),
    ],
)
def test_ranges_of_ten_bytes(header: str, expected: list[tuple[int, int]] | None) -> None:
    assert parse_ranges(header, 10) == expected


@given(st.text(alphabet="bytes=0123456789-, \t", max_size=80), st.integers(0, 1000))
def test_any_range_lies_within_the_file(header: str, size: int) -> None:
    for one in parse_ranges("bytes=" + header, size) or ():
        assert 0 <= one.start < one.end <= size


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 60))
def test_a_range_is_what_a_slice_is(first: int, last: int, size: int) -> None:
    whole = bytes(range(size))
    found = parse_ranges(f"bytes={first}-{last}", size)
    if last < first:
        assert found is None
    else:
        assert b"".join(whole[one.start : one.end] for one in found or ()) == whole[first : last + 1]
