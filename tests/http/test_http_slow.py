"""Clients that take their time: they keep nobody waiting, and those that stop are let go."""

from __future__ import annotations

import contextlib
import select
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from harness.raw import Raw, demo, ours, request

from filehost_dav.http.limits import Limits
from filehost_dav.http.listener import Listener

SOON = Limits(head_seconds=0.3, idle_seconds=0.3, body_seconds=0.3, linger_seconds=0.3)


@contextlib.contextmanager
def many(port: int, count: int, first: bytes) -> Iterator[list[Raw]]:
    """So many connections, each of which has sent that much."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Raw(port)).send(first) for _ in range(count)]


def served_in_time(port: int, requests: int = 50) -> bool:
    """Whether another client gets all its answers, each within two seconds."""
    with Raw(port, timeout=2) as client:
        return all(client.ask(request("GET", f"/{i}")).body == b"GET|/%d||" % i for i in range(requests))


UPLOAD = request("PUT", "/up", "Content-Length: 100000") + b"x" * 100


@pytest.mark.parametrize("first", [b"", b"PUT /up HT", UPLOAD], ids=["silent", "half a head", "half a body"])
def test_two_hundred_slow_clients_keep_nobody_waiting(first: bytes) -> None:
    with ours(demo) as port, many(port, 200, first) as slow:
        assert served_in_time(port)
        for client in slow[:5]:
            client.send(request("PUT", "/up", "Content-Length: 3") + b"abc" if not first else b"")
        assert served_in_time(port)


def test_a_thousand_idle_connections_are_kept_and_keep_nobody_waiting() -> None:
    with ours(demo) as port, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(Raw(port)) for _ in range(1000)]
        for client in idle:
            assert client.ask(request()).status == 200
        assert served_in_time(port)
        assert all(client.ask(request()).status == 200 for client in idle)


def test_slow_uploads_are_finished_when_their_bytes_come() -> None:
    with ours(demo) as port, many(port, 50, UPLOAD) as slow:
        for client in slow:
            client.send(b"x" * 99_900)
        for client in slow:
            assert client.answer().body == b"PUT|/up||" + b"x" * 100_000
            assert client.ask(request("GET", "/next")).body == b"GET|/next||"


def test_an_upload_may_take_its_time_as_long_as_it_moves() -> None:
    with ours(demo, limits=SOON) as port, Raw(port) as client:
        client.send(request("PUT", "/up", "Content-Length: 20000"))
        for _ in range(20):
            client.send(b"x" * 1000)
            time.sleep(0.05)
        assert client.answer().body == b"PUT|/up||" + b"x" * 20_000


def test_an_upload_that_stops_is_given_up() -> None:
    with ours(demo, limits=SOON) as port, Raw(port) as client:
        assert client.ask(UPLOAD).status == 400
        assert client.is_closed()


@pytest.mark.parametrize("half", [b"GET / HTTP/1.1\r\nHos", request("PUT", "/", "Content-Length: 5") + b"x"])
def test_a_request_that_does_not_arrive_in_time_is_told_so(half: bytes) -> None:
    with ours(demo, limits=SOON) as port, Raw(port) as client:
        assert client.ask(half).status == 408
        assert client.is_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels announce every client at once")
def test_who_connects_is_announced_with_the_first_bytes() -> None:
    """So most clients need not be waited for once more."""
    listener = Listener(port=0).bind().socket
    with listener, Raw(listener.getsockname()[1]) as client:
        assert not select.select([listener], [], [], 0.1)[0]
        client.send(b"G")
        assert select.select([listener], [], [], 5)[0]


def test_a_head_that_trickles_in_for_ever_is_cut_off() -> None:
    with ours(demo, limits=SOON) as port, Raw(port) as client:
        with contextlib.suppress(OSError):
            for _ in range(30):
                client.send(b"x")
                time.sleep(0.05)
        client.rest()


def test_an_idle_connection_is_let_go_and_not_before() -> None:
    with ours(demo, limits=SOON) as port, Raw(port) as client:
        client.ask(request())
        assert not client.is_closed(0.1)
        assert client.is_closed(5)


def test_idle_connections_are_kept_for_a_minute_at_least() -> None:
    """Finder and Explorer hold theirs so long between two requests."""
    assert Limits().idle_seconds >= 60


def test_threads_are_bounded_and_short_requests_keep_theirs() -> None:
    """Some uploads are told to come later; a request without a body is served all the same."""
    others = threading.active_count()
    with ours(demo, threads=8) as port, many(port, 30, UPLOAD) as slow:
        assert served_in_time(port)
        assert threading.active_count() < others + 8 + 5
        later = [client for client in slow if not _quiet(client)]
        assert later
        answers = [client.answer() for client in later]
        assert {(answer.status, answer.headers["retry-after"]) for answer in answers} == {(503, "5")}
        for client in slow:
            if client not in later:
                client.send(b"x" * 99_900)
                assert client.answer().status == 200


def test_a_request_that_computes_for_long_keeps_nobody_waiting() -> None:
    free = threading.Event()

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/long":
            assert free.wait(10)
        return demo(environ, start)

    with ours(app) as port, many(port, 10, request("GET", "/long")) as slow:
        assert served_in_time(port)
        free.set()
        assert all(client.answer().status == 200 for client in slow)


def test_requests_that_wait_for_a_disk_wait_together() -> None:
    """A flush to the disk serves all that wait for it, if they do not come one after the other."""
    together = threading.Barrier(8)

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        if environ["REQUEST_METHOD"] == "PUT":
            together.wait(10)
        return demo(environ, start)

    with ours(app, blocking=frozenset({"PUT"})) as port, many(port, 8, request("PUT", "/a", body=b"x")) as busy:
        assert all(client.answer().status == 200 for client in busy)
        assert served_in_time(port)


def test_slow_downloads_keep_nobody_waiting() -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        if environ["PATH_INFO"] != "/big":
            return demo(environ, start)
        start("200 OK", [("Content-Length", "30000000")])
        return [bytes(30_000_000)]

    with ours(app) as port, many(port, 50, request("GET", "/big")) as slow:
        assert served_in_time(port)
        assert slow[0].answer().body == bytes(30_000_000)


def _quiet(client: Raw) -> bool:
    """Whether nothing has been answered yet."""
    client.sock.settimeout(0.05)
    try:
        client.sock.recv(1, 2)  # MSG_PEEK
    except TimeoutError:
        return True
    finally:
        client.sock.settimeout(5)
    return False
