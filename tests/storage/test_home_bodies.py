"""A body that is judged by its beginning arrives whole, by whatever way its bytes go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from filehost_dav.errors import Refused, TooLarge
from filehost_dav.policy.signatures import PROBE
from filehost_dav.storage.publish import BoundedBody, BytesBody, judged
from filehost_dav.storage.tree import Body, DirectBody


class Pieces:
    """A body that comes in pieces, as from a slow client."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.length: int | None = sum(map(len, pieces))
        self._pieces = [piece for piece in pieces if piece]

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._pieces:
            return 0
        piece = self._pieces[0][: len(buffer)]
        buffer[: len(piece)] = piece
        self._pieces[0] = self._pieces[0][len(piece) :]
        if not self._pieces[0]:
            self._pieces.pop(0)
        return len(piece)


class DirectPieces(Pieces):
    """The same, able to go to a file by itself."""

    def splice(self, descriptor: int, most: int, /) -> int:
        buffer = memoryview(bytearray(most))
        count = self.readinto(buffer)
        os.write(descriptor, buffer[:count])
        return count


CONTENTS = [b"", b"x", b"0123456789" * 3, b"a" * PROBE, b"b" * (PROBE + 1), bytes(range(256)) * 300]
WAYS = {"whole": 1 << 20, "in single bytes": 1, "in pieces": 1000}


def pieces_of(content: bytes, size: int) -> list[bytes]:
    if size == 1:  # the beginning only: what follows it is passed on as it comes
        return [content[n : n + 1] for n in range(min(len(content), 50))] + [content[50:]]
    return [content[n : n + size] for n in range(0, len(content), size)]


def read(body: Body, step: int) -> Iterator[bytes]:
    buffer = memoryview(bytearray(step))
    while count := body.readinto(buffer):
        yield bytes(buffer[:count])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", [7, 1024, 65536])
@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_every_byte_is_passed_on_and_the_check_saw_the_beginning(content: bytes, step: int, way: str) -> None:
    seen: list[bytes] = []
    body = judged(Pieces(pieces_of(content, WAYS[way])), seen.append)
    assert not isinstance(body, DirectBody)
    assert body.length == len(content)
    assert b"".join(read(body, step)) == content
    assert seen == [content[:PROBE]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", [7, 1024, 65536])
@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_a_body_that_can_go_directly_still_can(content: bytes, step: int, way: str, tmp_path: Path) -> None:
    seen: list[bytes] = []
    body = judged(DirectPieces(pieces_of(content, WAYS[way])), seen.append)
    assert isinstance(body, DirectBody)
    with (tmp_path / "file").open("wb", buffering=0) as file:
        while body.splice(file.fileno(), step):
            pass
    assert (tmp_path / "file").read_bytes() == content
    assert seen == [content[:PROBE]]


def test_reading_and_splicing_can_be_mixed(tmp_path: Path) -> None:
    content = bytes(range(256)) * 20
    body = judged(DirectPieces(pieces_of(content, 999)), lambda _: None)
    assert isinstance(body, DirectBody)
    buffer = memoryview(bytearray(100))
    with (tmp_path / "file").open("wb", buffering=0) as file:
        while count := body.readinto(buffer):
            file.write(buffer[:count])
            body.splice(file.fileno(), 300)
    assert (tmp_path / "file").read_bytes() == content


def test_a_refusal_comes_before_any_byte_is_passed_on() -> None:
    def refuse(head: bytes) -> None:
        raise Refused("no", rule="content")

    buffer = memoryview(bytearray(10))
    with pytest.raises(Refused):
        judged(BytesBody(b"content"), refuse).readinto(buffer)
    assert bytes(buffer) == bytes(10)


def test_a_bounded_body_holds_no_more_than_it_may() -> None:
    assert b"".join(read(BoundedBody(BytesBody(b"0123456789"), 10), 4)) == b"0123456789"
    with pytest.raises(TooLarge):
        BoundedBody(BytesBody(b"0123456789x"), 10)
    endless = Pieces([b"0123456789x"])
    endless.length = None
    with pytest.raises(TooLarge):
        list(read(BoundedBody(endless, 10), 4))
