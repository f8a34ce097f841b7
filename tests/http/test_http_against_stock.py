"""What cheroot's own classes get wrong and ours keep: each promise is tried on both.

A promise is a function from a server to whether it was kept. It must hold on ours and fail on the
stock classes: when a later cheroot keeps it too, the test says so, and our class may go.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness.raw import Raw, ours, request, stock, trusting

from filehost_dav.http.limits import Limits
from filehost_dav.http.tls import Certificate

Environ = dict[str, Any]
Start = Callable[..., Any]
LIMITS = Limits(linger_seconds=0.5)


def app(environ: Environ, start: Start) -> Any:
    """One path for each thing an application may do."""
    return _PATHS[environ["PATH_INFO"]](environ, start)


def _refuse(_environ: Environ, start: Start) -> list[bytes]:
    start("401 Unauthorized", [("Content-Length", "2")])
    return [b"no"]


def _echo(environ: Environ, start: Start) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _first_bytes(environ: Environ, start: Start) -> list[bytes]:
    body = environ["wsgi.input"].read(100)
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _strict(environ: Environ, start: Start) -> list[bytes]:
    """Stores the body as a real application does: read until there is no more."""
    pieces = []
    with contextlib.suppress(Exception):
        while piece := environ["wsgi.input"].read(8192):
            pieces.append(piece)
        environ["test.whole"] = True
    start("201 Created" if environ.get("test.whole") else "400 Bad Request", [("Content-Length", "0")])
    return []


def _shrunk(_environ: Environ, start: Start) -> list[bytes]:
    start("200 OK", [("Content-Length", "100")])
    return [b"only this"]


def _fail(_environ: Environ, _start: Start) -> Iterator[bytes]:
    """As WsgiDAV does it: the application is a generator."""
    raise LookupError("before start_response")
    yield b""


def _close(_environ: Environ, start: Start) -> list[bytes]:
    start("200 OK", [("Content-Length", "2"), ("Connection", "close")])
    return [b"ok"]


def _inject(_environ: Environ, start: Start) -> list[bytes]:
    start("200 OK", [("Content-Length", "2"), ("X-Name", "a\r\nSet-Cookie: evil=1")])
    return [b"ok"]


_PATHS = {
    "/refuse": _refuse,
    "/echo": _echo,
    "/first": _first_bytes,
    "/strict": _strict,
    "/shrunk": _shrunk,
    "/fail": _fail,
    "/close": _close,
    "/inject": _inject,
}


def a_short_upload_is_not_taken_for_a_whole_one(port: int) -> bool:
    with Raw(port) as client:
        client.send(request("PUT", "/strict", "Content-Length: 100000") + b"x" * 5000)
        client.sock.shutdown(1)
        return client.answer().status == 400


def a_refused_body_is_not_swallowed(port: int) -> bool:
    sent = 0
    with Raw(port) as client, contextlib.suppress(OSError):
        client.send(request("PUT", "/refuse", "Content-Length: 50000000"))
        client.answer()
        for _ in range(400):
            client.send(b"x" * 100_000)
            sent += 100_000
    return sent < 32_000_000  # half of it, and what fits into socket buffers


def silent_connections_hold_no_thread(port: int) -> bool:
    silent = [Raw(port) for _ in range(4)]
    time.sleep(0.1)
    with contextlib.ExitStack() as stack:
        for connection in silent:
            stack.enter_context(connection)
        return _answers_in_time(port)


def half_sent_heads_hold_no_thread(port: int) -> bool:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(Raw(port)).send(b"GET /echo HTTP/1.1\r\nHos")
        time.sleep(0.1)
        return _answers_in_time(port)


def slow_uploads_hold_nobody_up(port: int) -> bool:
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(Raw(port)).send(request("PUT", "/echo", "Content-Length: 100000") + b"x")
        time.sleep(0.1)
        return _answers_in_time(port)


def an_unread_chunked_body_is_no_request(port: int) -> bool:
    inner = request("GET", "/echo")
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)
    return _answers(port, request("PUT", "/refuse", "Transfer-Encoding: chunked") + body) == 1


def trailers_are_no_request(port: int) -> bool:
    body = b"1\r\nx\r\n0\r\n" + request("GET", "/echo")
    return _answers(port, request("PUT", "/echo", "Transfer-Encoding: chunked") + body) == 1


def length_and_chunks_together_are_refused(port: int) -> bool:
    fields = ("Content-Length: 4", "Transfer-Encoding: chunked")
    return _status(port, request("PUT", "/echo", *fields) + b"1\r\nx\r\n0\r\n\r\n") == 400


def an_odd_length_is_refused(port: int) -> bool:
    return _status(port, request("PUT", "/echo", "Content-Length: 1_0") + b"0123456789") == 400


def a_repeated_length_is_refused(port: int) -> bool:
    return _status(port, request("PUT", "/echo", "Content-Length: 9", "Content-Length: 1") + b"x") == 400


def an_odd_chunk_size_is_refused(port: int) -> bool:
    body = b"0x1\r\nx\r\n0\r\n\r\n"
    return _status(port, request("PUT", "/echo", "Transfer-Encoding: chunked") + body) == 400


def a_chunk_is_handed_on_as_it_arrives(port: int) -> bool:
    """Holding it until it is whole costs its size in memory, and time in the square of it."""
    with Raw(port, timeout=1) as client:
        client.send(request("PUT", "/first", "Transfer-Encoding: chunked") + b"1000000\r\n" + b"x" * 8192)
        try:
            return client.answer().body == b"x" * 100
        except TimeoutError:
            return False


def an_endless_head_is_refused(port: int) -> bool:
    return _status(port, request("GET", "/echo", "X: " + "x" * 1_000_000)) == 431


def a_body_that_ends_early_ends_its_connection(port: int) -> bool:
    with Raw(port) as client:
        client.send(request("GET", "/shrunk"))
        try:
            client.sock.settimeout(1)
            return client.rest().endswith(b"only this")
        except TimeoutError:
            return False


def a_failing_application_gets_an_answer(port: int) -> bool:
    return _status(port, request("GET", "/fail")) == 500


def an_application_can_end_the_connection(port: int) -> bool:
    with Raw(port) as client:
        client.ask(request("GET", "/close"))
        return client.is_closed(0.5)


def a_client_can_end_the_connection_in_any_letters(port: int) -> bool:
    with Raw(port) as client:
        client.ask(request("GET", "/echo", "Connection: Close"))
        return client.is_closed(0.5)


def more_than_ten_connections_are_kept(port: int) -> bool:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Raw(port)) for _ in range(20)]
        for client in clients:
            client.ask(request("GET", "/echo"))
        time.sleep(0.1)
        return not any(client.is_closed(0.01) for client in clients)


def nobody_is_asked_for_a_body_that_is_refused(port: int) -> bool:
    with Raw(port) as client:
        head = request("PUT", "/refuse", "Content-Length: 5", "Expect: 100-continue")
        return client.ask(head).interim == []


def a_line_break_in_a_header_reaches_nobody(port: int) -> bool:
    with Raw(port) as client:
        return "set-cookie" not in client.ask(request("GET", "/inject")).headers


PROMISES = [
    a_short_upload_is_not_taken_for_a_whole_one,
    a_refused_body_is_not_swallowed,
    silent_connections_hold_no_thread,
    half_sent_heads_hold_no_thread,
    slow_uploads_hold_nobody_up,
    an_unread_chunked_body_is_no_request,
    trailers_are_no_request,
    length_and_chunks_together_are_refused,
    an_odd_length_is_refused,
    a_repeated_length_is_refused,
    an_odd_chunk_size_is_refused,
    a_chunk_is_handed_on_as_it_arrives,
    an_endless_head_is_refused,
    a_body_that_ends_early_ends_its_connection,
    a_failing_application_gets_an_answer,
    an_application_can_end_the_connection,
    a_client_can_end_the_connection_in_any_letters,
    more_than_ten_connections_are_kept,
    nobody_is_asked_for_a_body_that_is_refused,
    a_line_break_in_a_header_reaches_nobody,
]


@pytest.fixture(scope="module")
def our_port() -> Iterator[int]:
    with ours(app, limits=LIMITS) as port:
        yield port


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_ours_keeps_it(our_port: int, promise: Callable[[int], bool]) -> None:
    assert promise(our_port)


@pytest.mark.slow
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_stock_classes_do_not(promise: Callable[[int], bool]) -> None:
    with stock(app, numthreads=4, timeout=2) as port:
        assert not _kept(promise, port)


@pytest.mark.parametrize(("server", "kept"), [(ours, True), (stock, False)], ids=["ours", "stock"])
def test_a_silent_tls_client_holds_up_nobody(server: Any, kept: bool, certificate: Certificate) -> None:
    with server(app, tls=certificate) as port, Raw(port):
        time.sleep(0.1)
        assert _answers_in_time(port, tls=True) is kept


def test_many_may_knock_at_once() -> None:
    with stock(app) as _:
        from cheroot import wsgi  # noqa: PLC0415 - only to look at the fault

        from filehost_dav.http.listener import Listener  # noqa: PLC0415

        assert wsgi.Server.request_queue_size == 5
        assert Listener().backlog >= 1024


def _kept(promise: Callable[[int], bool], port: int) -> bool:
    try:
        return promise(port)
    except (OSError, EOFError):
        return False


def _status(port: int, data: bytes) -> int:
    with Raw(port) as client:
        return client.ask(data).status


def _answers(port: int, data: bytes) -> int:
    """How many responses a client gets to these bytes."""
    with Raw(port, timeout=1) as client:
        client.send(data)
        count = 0
        with contextlib.suppress(OSError, EOFError):
            while client.answer():
                count += 1
        return count


def _answers_in_time(port: int, *, tls: bool = False) -> bool:
    try:
        with Raw(port, timeout=1, tls=trusting() if tls else None) as client:
            return client.ask(request("GET", "/echo")).status == 200
    except (OSError, EOFError):
        return False
