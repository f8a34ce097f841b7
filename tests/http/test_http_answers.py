"""What goes out: framing, headers, parts handed over, and what happens when something breaks."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness.raw import Raw, ours, request, trusting

from filehost_dav.errors import Truncated
from filehost_dav.http.limits import Limits
from filehost_dav.http.tls import Certificate
from filehost_dav.http.transfer import Offload
from filehost_dav.storage.tree import Entry, Span

Environ = dict[str, Any]
Start = Callable[..., Any]


@dataclass
class Plain:
    """The content of a plain file, as a storage would open it."""

    path: Path
    direct: bool = True
    entry: Entry = field(init=False)
    closed: bool = False

    def __post_init__(self) -> None:
        self._descriptor = os.open(self.path, os.O_RDONLY)

    def descriptor(self) -> int | None:
        return self._descriptor if self.direct else None

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        while length:
            block = os.pread(self._descriptor, min(length, 65_536), start)
            if not block:
                raise Truncated("The file shrank.")
            start += len(block)
            length -= len(block)
            yield block

    def offload(self) -> str | None:
        return str(self.path)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        self.closed = True

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Answering:
    """An application that answers with what the test says."""

    status: str = "200 OK"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: Any = ()
    parts: Any = None
    sent: list[int] = field(default_factory=list)

    def __call__(self, environ: Environ, start: Start) -> Any:
        environ["filehost.done"] = self.sent.append
        start(self.status, self.headers)
        if self.parts is not None:
            environ["filehost.answer"] = self.parts() if callable(self.parts) else self.parts
        return self.body


@contextlib.contextmanager
def served(app: Any, **settings: Any) -> Iterator[Raw]:
    with ours(app, **settings) as port, Raw(port, tls=trusting() if "tls" in settings else None) as client:
        yield client


def length(count: int) -> list[tuple[str, str]]:
    return [("Content-Length", str(count))]


def test_a_body_without_a_length_is_chunked() -> None:
    with served(Answering(body=[b"one", b"", b"two"])) as client:
        answer = client.ask(request())
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.body == b"onetwo"
        assert client.ask(request()).body == b"onetwo"


def test_for_http_1_0_the_end_of_the_connection_is_the_end_of_the_body() -> None:
    with served(Answering(body=[b"one", b"two"])) as client:
        answer = client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert "transfer-encoding" not in answer.headers
        assert (answer.headers["connection"], answer.body) == ("close", b"onetwo")


def test_http_1_0_can_keep_its_connection() -> None:
    ask = b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
    with served(Answering(headers=length(2), body=[b"ok"])) as client:
        assert client.ask(ask).headers["connection"] == "keep-alive"
        assert client.ask(ask).body == b"ok"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_status_without_a_body_has_none_and_no_length(status: str) -> None:
    with served(Answering(status, length(2), [b"no"])) as client:
        for _ in range(2):
            answer = client.ask(request())
            assert (answer.status, answer.headers.get("content-length")) == (int(status[:3]), None)
            assert "transfer-encoding" not in answer.headers


def test_head_has_the_length_and_no_body(some_file: Path) -> None:
    content = Plain(some_file)
    with served(Answering(headers=length(300_000), parts=[Span(content, 0, 300_000)])) as client:
        assert client.ask(request("HEAD")).headers["content-length"] == "300000"
        assert client.ask(request("HEAD")).headers["content-length"] == "300000"
    assert content.closed


def test_every_answer_is_dated_and_signed_once() -> None:
    with served(Answering(headers=[*length(0), ("Date", "then"), ("Server", "other")])) as client:
        head = client.send(request("GET", "/", "Connection: close")).rest()
        assert head.count(b"Date:") == head.count(b"Server:") == 1
    with served(Answering(headers=length(0))) as client:
        answer = client.ask(request())
        assert answer.headers["date"].endswith("GMT")
        assert answer.headers["server"] == "Filehost-DAV"


@pytest.mark.parametrize(
    "header",
    [("X", "a\r\nB: c"), ("X", "a\nB: c"), ("X", "a\rB"), ("X\r\nB", "c"), ("X", "a\0"), ("X", "\u20ac")],
)
def test_a_header_that_would_break_the_head_is_a_500(header: tuple[str, str]) -> None:
    with served(Answering(headers=[*length(0), header])) as client:
        answer = client.ask(request())
        assert answer.status == 500
        assert "b" not in answer.headers


@pytest.mark.parametrize("error", [LookupError, ConnectionRefusedError, SystemExit, TimeoutError])
def test_what_an_application_raises_costs_its_request_and_no_other(error: type[BaseException]) -> None:
    """A database that refuses the connection is no client that went away."""

    def app(environ: Environ, start: Start) -> list[bytes]:
        if environ["PATH_INFO"] == "/fail":
            raise error
        start("200 OK", length(2))
        return [b"ok"]

    with ours(app) as port:
        for _ in range(10):
            with Raw(port) as client:
                client.send(request("GET", "/fail"))
                if issubclass(error, Exception):
                    assert client.answer().status == 500
                client.rest()
        with Raw(port) as client:
            assert client.ask(request()).body == b"ok"


def test_more_than_promised_is_cut_off_and_ends_the_connection() -> None:
    with served(Answering(headers=length(3), body=[b"four"])) as client:
        assert client.ask(request()).body == b"fou"
        assert client.is_closed()


def test_an_application_that_fails_midway_ends_the_connection() -> None:
    def failing() -> Iterator[bytes]:
        yield b"part"
        raise LookupError("in the middle")

    with served(Answering(headers=length(100), body=failing())) as client:
        assert client.send(request()).rest().endswith(b"part")


def test_start_response_may_be_taken_back_until_the_head_is_out() -> None:
    def app(_environ: Environ, start: Start) -> list[bytes]:
        start("200 OK", length(9))
        try:
            raise LookupError
        except LookupError as error:
            start("503 Service Unavailable", length(2), (LookupError, error, None))
        return [b"no"]

    with served(app) as client:
        assert client.ask(request()).status == 503


def test_an_upload_the_application_does_not_survive_is_a_400() -> None:
    def app(environ: Environ, _start: Start) -> list[bytes]:
        environ["wsgi.input"].read()
        raise AssertionError("not reached")

    with served(app) as client:
        client.send(request("PUT", "/", "Content-Length: 100000") + b"x").sock.shutdown(1)
        assert client.answer().status == 400


WAYS = ["sendfile", "blocks", "tls"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, certificate: Certificate) -> tuple[bool, dict[str, Any]]:
    """Whether contents show their descriptor, and the settings of the server."""
    return request.param != "blocks", {"tls": certificate} if request.param == "tls" else {}


@pytest.mark.parametrize(("start", "size"), [(0, 300_000), (0, 1000), (12_345, 200_000), (299_999, 1), (5, 0)])
def test_a_span_is_sent_exactly(way: Any, some_file: Path, start: int, size: int) -> None:
    direct, settings = way
    content = Plain(some_file, direct)
    app = Answering(headers=length(size), parts=[Span(content, start, size)])
    with served(app, **settings) as client:
        assert client.ask(request()).body == some_file.read_bytes()[start : start + size]
    assert content.closed


def test_parts_are_sent_in_order_with_their_length(way: Any, some_file: Path) -> None:
    direct, settings = way
    data = some_file.read_bytes()

    def parts() -> Iterator[bytes | Span]:
        yield b"--a\r\n"
        yield Span(Plain(some_file, direct), 0, 100_000)
        yield b"\r\n--b\r\n"
        yield Span(Plain(some_file, direct), 200_000, 100_000)

    whole = b"--a\r\n" + data[:100_000] + b"\r\n--b\r\n" + data[200_000:]
    with served(Answering(headers=length(len(whole)), parts=parts), **settings) as client:
        assert client.ask(request()).body == whole
        assert client.ask(request()).body == whole


def test_parts_without_a_length_are_chunked(way: Any, some_file: Path) -> None:
    direct, settings = way
    app = Answering(parts=lambda: iter([b"<", Span(Plain(some_file, direct), 0, 300_000), b">"]))
    with served(app, **settings) as client:
        assert client.ask(request()).body == b"<" + some_file.read_bytes() + b">"
        assert client.ask(request()).headers["transfer-encoding"] == "chunked"


def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(way: Any, some_file: Path) -> None:
    direct, settings = way
    content = Plain(some_file, direct)
    with served(Answering(headers=length(300_000), parts=[Span(content, 0, 300_000)]), **settings) as client:
        os.truncate(some_file, 100_000)
        head, _, body = client.send(request()).rest().partition(b"\r\n\r\n")
        assert b"Content-Length: 300000" in head
        assert len(body) == 100_000
    assert content.closed


def test_contents_are_closed_when_the_client_goes_away(some_file: Path) -> None:
    contents = [Plain(some_file) for _ in range(3)]
    closed = threading.Event()

    def parts() -> Iterator[Span]:
        try:
            for _ in range(1000):
                for content in contents:
                    yield Span(Plain(some_file), 0, 300_000)
                    assert content
        finally:
            for content in contents:
                content.close()
            closed.set()

    with ours(Answering(parts=parts), limits=Limits(send_seconds=5)) as port:
        with Raw(port) as client:
            client.send(request())
        assert closed.wait(5)


def test_a_client_that_takes_nothing_is_given_up(some_file: Path) -> None:
    app = Answering(parts=lambda: iter([Span(Plain(some_file), 0, 300_000) for _ in range(100)]))
    with ours(app, limits=Limits(send_seconds=0.2)) as port, Raw(port) as client:
        client.send(request())
        while not app.sent:
            threading.Event().wait(0.05)
        assert 0 < app.sent[0] < 30_000_000


def test_the_log_is_told_how_many_bytes_went_out() -> None:
    app = Answering(headers=length(5), body=[b"hello"])
    with served(app) as client:
        whole = client.send(request("GET", "/", "Connection: close")).rest()
    assert app.sent == [len(whole)]


@pytest.mark.parametrize(
    ("header", "expected"), [("X-Accel-Redirect", "/kept/so%20me.bin"), ("X-Sendfile", "{root}/so me.bin")]
)
def test_a_whole_file_can_be_left_to_the_front_server(tmp_path: Path, header: str, expected: str) -> None:
    file = tmp_path / "so me.bin"
    file.write_bytes(b"x" * 100)
    app = Answering(headers=[*length(100), ("ETag", '"e"')], parts=lambda: [Span(Plain(file), 0, 100)])
    with served(app, offload=Offload(header, tmp_path, "/kept")) as client:
        answer = client.ask(request())
        assert answer.headers[header.lower()] == expected.format(root=tmp_path)
        assert (answer.body, answer.headers["etag"]) == (b"", '"e"')


def test_a_part_of_a_file_or_one_from_elsewhere_is_not_left_to_the_front_server(
    tmp_path: Path, some_file: Path
) -> None:
    offload = Offload("X-Accel-Redirect", tmp_path, "/kept")
    part = Answering("206 Partial Content", length(100), parts=[Span(Plain(some_file), 5, 100)])
    with served(part, offload=offload) as client:
        assert client.ask(request()).body == some_file.read_bytes()[5:105]
    elsewhere = Answering(headers=length(100), parts=[Span(Plain(some_file), 0, 100)])
    with served(elsewhere, offload=Offload("X-Accel-Redirect", tmp_path / "other", "/kept")) as client:
        assert client.ask(request()).body == some_file.read_bytes()[:100]
