"""The body of a request: whole or an error, whichever way it is read and however it arrives."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filehost_dav.errors import BadBody, Truncated
from filehost_dav.http.body import Body
from filehost_dav.http.limits import Limits
from filehost_dav.http.pipe import SharedPipe
from filehost_dav.http.wire import Wire
from filehost_dav.storage import tree

LIMITS = Limits(body_seconds=0.2)


@contextlib.contextmanager
def received(
    *pieces: bytes, length: int | None, ask: bool = False, end: bool = True
) -> Iterator[tuple[Body, socket.socket]]:
    """A body whose bytes arrive in these pieces, the first of them with the head."""
    near, far = socket.socketpair()
    near.setblocking(False)
    wire = Wire(near, lambda: None, 1.0)
    body = Body(wire, length, limits=LIMITS, pipe=SharedPipe(), ask=ask)

    def send() -> None:
        with contextlib.suppress(OSError):  # the test may have seen enough
            for piece in pieces:
                far.sendall(piece)
            if end:
                far.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield body, far
    finally:
        near.close()
        sender.join()
        far.close()


def by_read(body: Body, _folder: Path) -> bytes:
    return body.read()


def by_small_reads(body: Body, _folder: Path) -> bytes:
    return b"".join(iter(lambda: body.read(7), b""))


def by_readinto(body: Body, _folder: Path) -> bytes:
    buffer = memoryview(bytearray(50_000))
    return b"".join(bytes(buffer[:count]) for count in iter(lambda: body.readinto(buffer), 0))


def by_splice(body: Body, folder: Path) -> bytes:
    with (folder / "spliced").open("wb") as file:
        while body.splice(file.fileno(), 1 << 20):
            continue
    return (folder / "spliced").read_bytes()


def by_lines(body: Body, _folder: Path) -> bytes:
    return b"".join(body)


WAYS = [by_read, by_small_reads, by_readinto, by_splice]
SIZES = [0, 1, 100, 16_384, 65_536, 300_001]
Way = Callable[[Body, Path], bytes]


@pytest.mark.parametrize("way", [*WAYS, by_lines])
@pytest.mark.parametrize("size", SIZES)
def test_a_body_of_known_length_arrives_whole(tmp_path: Path, way: Way, size: int) -> None:
    data = os.urandom(size)
    with received(data, length=size, end=False) as (body, _):
        assert way(body, tmp_path) == data
        assert body.finished


@pytest.mark.parametrize("way", [*WAYS, by_lines])
@pytest.mark.parametrize("chunk", [1000, 20_000, 65_536])
def test_a_chunked_body_arrives_whole(tmp_path: Path, way: Way, chunk: int) -> None:
    data = os.urandom(200_000)
    pieces = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    coded = b"".join(b"%X;ext=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    with received(coded, b"0\r\nDigest: later\r\n\r\n", length=None, end=False) as (body, _):
        assert way(body, tmp_path) == data
        assert body.finished


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("sent", "length"), [(b"x" * 99, 100), (b"x" * 99_999, 100_000), (b"", 5)])
def test_a_body_that_ends_early_is_truncated(tmp_path: Path, way: Way, sent: bytes, length: int) -> None:
    with received(sent, length=length) as (body, _), pytest.raises(Truncated):
        way(body, tmp_path)
    assert body.broken


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "sent", [b"", b"5", b"5\r\n", b"5\r\nhel", b"5\r\nhello", b"5\r\nhello\r\n", b"5\r\nhello\r\n0\r\n"]
)
def test_chunks_that_end_early_are_truncated(tmp_path: Path, way: Way, sent: bytes) -> None:
    with received(sent, length=None) as (body, _), pytest.raises(Truncated):
        way(body, tmp_path)
    assert body.broken


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("length", [100_000, None])
def test_a_body_that_stops_arriving_is_truncated(tmp_path: Path, way: Way, length: int | None) -> None:
    with (
        received(b"ff\r\nxxx", length=length, end=False) as (body, _),
        pytest.raises(Truncated, match="stopped"),
    ):
        way(body, tmp_path)
    assert body.broken


def test_a_full_disk_is_not_mistaken_for_a_lost_client() -> None:
    with (
        received(b"x" * 100_000, length=100_000) as (body, _),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        with pytest.raises(OSError, match="No space"):
            body.splice(full.fileno(), 1 << 20)
        assert not body.broken


def test_continue_is_asked_for_at_the_first_read_and_once() -> None:
    with received(length=5, ask=True, end=False) as (body, far):
        far.settimeout(0.05)
        with pytest.raises(TimeoutError):
            far.recv(100)
        far.sendall(b"hello")
        assert body.read() == b"hello"
    with received(length=5, ask=True, end=False) as (body, far):
        reader = threading.Thread(target=body.read, args=(5,))
        reader.start()
        assert far.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        far.sendall(b"he")
        far.sendall(b"llo")
        reader.join()
        far.settimeout(0.05)
        with pytest.raises(TimeoutError):
            far.recv(100)


def test_a_body_is_what_storage_takes() -> None:
    with received(b"x", length=1) as (body, _):
        assert isinstance(body, tree.Body)
        assert isinstance(body, tree.DirectBody)


_coded = st.lists(
    st.sampled_from(
        [
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"0\r\nA: b\r\n\r\n",
            b"5;x\r\n",
            b"\r\n",
            b"hello",
            b"0x5\r\n",
            b"a",
            b"0",
        ]
    )
    | st.binary(max_size=4),
    max_size=6,
).map(b"".join)


@given(_coded, st.integers(1, 20))
def test_whatever_chunks_are_accepted_h11_reads_the_same_way(coded: bytes, step: int) -> None:
    pieces = [coded[at : at + step] for at in range(0, len(coded), step)]
    with received(*pieces, length=None) as (body, _):
        try:
            ours = body.read()
        except (Truncated, BadBody):
            return
    assert ours == _by_h11(coded)


def _by_h11(coded: bytes) -> bytes:
    other = h11.Connection(h11.SERVER)
    other.receive_data(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + coded)
    data = b""
    while not isinstance(event := other.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            data += event.data
        assert event is not h11.NEED_DATA
    return data
