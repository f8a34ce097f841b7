"""Text of large listings: kept outside of the process, given back exactly, never in the way of an answer."""

from __future__ import annotations

import errno
import os
import sys
from array import array
from functools import partial

import pytest
from harness.dav import Client
from harness.server import Account, Server

from filehost_dav.dav.propfind_extras import NONE
from filehost_dav.dav.propfind_listing import Draft, Listing, Piece
from filehost_dav.dav.propfind_sheet import Passage, Sheet
from filehost_dav.storage.tree import Span

KINDS = [False, pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="of Linux"))]


def piece(text: bytes) -> Piece:
    return Piece([text.decode()], [1], array("Q", [len(text)]), text)


def everything(_memory: int) -> bool:
    """Room without a bound."""
    return True


@pytest.mark.parametrize("as_file", KINDS)
def test_text_comes_back_as_it_was_written(as_file: bool) -> None:
    sheet = Sheet(as_file=as_file)
    first, second = sheet.append(b"one" * 200_000), sheet.append(b"two")
    assert (first.read(), second.read()) == (b"one" * 200_000, b"two")
    joined = first.joined(second)
    assert joined is not None
    assert second.joined(first) is None
    assert first.joined(Sheet(as_file=as_file).append(b"three")) is None
    with joined.as_span().content as content:
        assert b"".join(content.blocks(0, joined.length)) == b"one" * 200_000 + b"two"
        assert (content.descriptor() is not None) is as_file


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_sheet_is_given_back_with_the_last_reference() -> None:
    before = len(os.listdir("/proc/self/fd"))
    span = Sheet().append(b"text").as_span()
    assert len(os.listdir("/proc/self/fd")) == before + 1
    span.content.close()
    assert b"".join(span.content.blocks(0, 4)) == b"text"
    del span
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("as_file", KINDS)
def test_a_large_listing_lies_on_one_sheet_in_order(as_file: bool) -> None:
    draft = Draft((), everything, partial(Sheet, as_file=as_file))
    for text in (b"1", b"22", b"333", b"4444"):
        draft.add(piece(text))
    assert draft.pieces is not None
    assert [one.data for one in draft.pieces] == [b"1", b"22", b"333", b"4444"]
    head, span, end = Listing(b"<", draft.pieces, None, NONE, None, None).parts(b">")
    assert (head, end) == (b"<", b">")
    assert isinstance(span, Span)
    assert b"".join(span.content.blocks(span.start, span.length)) == b"1223334444"


def test_a_small_listing_stays_in_memory_and_an_unchanged_one_where_it_is() -> None:
    draft = Draft((), everything)
    small = [piece(b"1"), piece(b"2")]
    for one in small:
        draft.add(one)
    assert draft.pieces == small
    former = [piece(text) for text in (b"1", b"2", b"3")]
    draft = Draft(former, everything)
    for one in former:
        draft.add(one)
    assert draft.pieces is not None
    assert all(one is other for one, other in zip(draft.pieces, former, strict=True))
    draft.add(piece(b"4"))
    assert all(isinstance(one.text, Passage) for one in draft.pieces)


def test_a_listing_that_is_refused_room_once_is_not_kept() -> None:
    draft = Draft((), lambda memory: memory < 500)
    draft.add(piece(b"x" * 100))
    assert draft.pieces is not None
    draft.add(piece(b"x" * 400))
    draft.add(piece(b"x"))
    assert draft.pieces is None


def test_no_descriptor_left_only_means_not_to_remember() -> None:
    def refused() -> Sheet:
        raise OSError(errno.EMFILE, "too many open files")

    draft = Draft((), everything, refused)
    for text in (b"1", b"2", b"3", b"4"):
        draft.add(piece(text))
    assert draft.pieces is None


def test_a_large_listing_is_served_from_its_sheet_as_it_was_made(
    server: Server, account: Account, client: Client
) -> None:
    client.propfind("/", "0")
    for number in range(800):
        (server.files(account) / f"{number}.txt").touch()
    made, again, third = (client.propfind("/") for _ in range(3))
    assert made.status == 207
    assert len(made.paths) == 801
    assert made.body == again.body == third.body
    (server.files(account) / "one-more.txt").touch()
    assert "/one-more.txt" in client.propfind("/").paths
