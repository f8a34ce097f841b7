"""Uploads take turns at the pipe of their process."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from filehost_dav.http.pipe import SIZE, SharedPipe

pytestmark = pytest.mark.skipif(not SharedPipe.works, reason="splice is Linux only")


@contextlib.contextmanager
def asking(pipe: SharedPipe, do: Callable[[], object]) -> Iterator[None]:
    """Another upload that waits for its turn, and has done something in it at the end."""
    waits = threading.Event()

    def upload() -> None:
        with pipe.turn(waits.set):
            do()

    thread = threading.Thread(target=upload)
    thread.start()
    assert waits.wait(10)
    yield
    thread.join(10)
    assert not thread.is_alive()


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    pipe, order = SharedPipe(), queue.SimpleQueue[int]()
    turn = pipe.turn(pytest.fail)
    turn.__enter__()
    with (
        asking(pipe, lambda: order.put(1)),
        asking(pipe, lambda: order.put(2)),
        asking(pipe, lambda: order.put(3)),
    ):
        assert order.empty()
        turn.__exit__(None, None, None)
    assert [order.get() for _ in range(3)] == [1, 2, 3]


def test_a_turn_is_short_while_somebody_waits_for_the_next() -> None:
    pipe = SharedPipe()
    turn = pipe.turn(pytest.fail)
    turn.__enter__()
    assert pipe.share == SIZE
    with asking(pipe, lambda: None):
        assert pipe.share < SIZE
        turn.__exit__(None, None, None)
    assert pipe.share == SIZE


def test_what_an_error_left_in_the_pipe_does_not_get_into_the_next_file(tmp_path: Path) -> None:
    pipe = SharedPipe()
    near, far = socket.socketpair()
    with near, far, (tmp_path / "next").open("wb", buffering=0) as file:
        far.sendall(b"of the first upload")
        with contextlib.suppress(InterruptedError), pipe.turn(pytest.fail) as turn:
            turn.fill(near.fileno(), 100)
            raise InterruptedError
        far.sendall(b"of the next")
        with pipe.turn(pytest.fail) as turn:
            turn.pour(file.fileno(), turn.fill(near.fileno(), 100))
    assert (tmp_path / "next").read_bytes() == b"of the next"


def test_a_pipe_is_not_closed_under_the_bytes_in_it() -> None:
    pipe = SharedPipe()
    reads, writes = os.pipe()
    near, far = socket.socketpair()
    with near, far:
        with pipe.turn(pytest.fail) as turn:
            far.sendall(b"whole")
            count = turn.fill(near.fileno(), 100)
            pipe.close()
            turn.pour(writes, count)
        assert os.read(reads, 100) == b"whole"
    for descriptor in (reads, writes):
        os.close(descriptor)
