"""Both ways of waiting for many sockets keep the same promises."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator

import pytest
from harness.raw import Raw, demo, ours, request

from filehost_dav.http import poller
from filehost_dav.http.poller import Epoll, Poller, Selector

KINDS = [Selector] if not hasattr(select, "epoll") else [Selector, Epoll]


@pytest.fixture(params=KINDS)
def waiting(request: pytest.FixtureRequest) -> Iterator[Poller]:
    made: Poller = request.param()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def test_it_tells_who_has_something_to_say(waiting: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    waiting.add(near.fileno())
    assert list(waiting.poll(0)) == []
    far.send(b"x")
    assert list(waiting.poll(1)) == [near.fileno()]
    assert list(waiting.poll(0)) == [near.fileno()], "until it is read"
    waiting.remove(near.fileno())
    assert list(waiting.poll(0)) == []
    waiting.remove(near.fileno())


def test_it_can_be_woken_while_it_waits(waiting: Poller) -> None:
    found: list[list[int]] = []
    thread = threading.Thread(target=lambda: found.append(list(waiting.poll(30))))
    thread.start()
    for _ in range(100_000):
        waiting.wake()
    thread.join(5)
    assert found == [[]]


def test_a_server_works_with_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no epoll (macOS, Windows) the other one serves."""
    monkeypatch.delattr(select, "epoll", raising=False)
    made = poller.make_poller()
    made.close()
    assert isinstance(made, Selector)
    with ours(demo) as port, Raw(port) as client, Raw(port) as slow:
        slow.send(request("PUT", "/up", "Content-Length: 100000") + b"x")
        for i in range(20):
            assert client.ask(request("GET", f"/{i}")).status == 200
        assert slow.ask(b"x" * 99_999).status == 200
