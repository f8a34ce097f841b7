"""What is a request, and what is not: the whole corpus over a socket, and the parser beside h11."""

from __future__ import annotations

import contextlib

import h11
import pytest
from harness.raw import Raw, request
from hypothesis import given
from hypothesis import strategies as st

from filehost_dav.http.head import Refusal, parse_head
from filehost_dav.http.limits import Limits

GOOD = [
    ("a plain path", request("GET", "/a/b"), b"GET|/a/b||"),
    ("a query", request("GET", "/a?x=%2F&y"), b"GET|/a|x=%2F&y|"),
    ("an encoded name", request("GET", "/a%20b%25%C3%A4"), "GET|/a b%ä||".encode()),
    ("a raw name in UTF-8", b"GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", "GET|/ä||".encode()),
    ("an absolute target", b"GET http://h:80/x?y HTTP/1.1\r\nHost: h:80\r\n\r\n", b"GET|/x|y|"),
    ("an absolute target without a path", b"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", b"GET|/||"),
    ("OPTIONS of the server", b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", b"OPTIONS|/||"),
    ("an empty line before", b"\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", b"GET|/a||"),
    ("an extension method", request("VERSION-CONTROL", "/a"), b"VERSION-CONTROL|/a||"),
    ("a tab around a value", b"GET /a HTTP/1.1\r\nHost:\th\t\r\n\r\n", b"GET|/a||"),
    ("an empty value", request("GET", "/a", "X-Empty:"), b"GET|/a||"),
    ("HTTP/1.0 without a host", b"GET /a HTTP/1.0\r\n\r\n", b"GET|/a||"),
    ("an address in brackets", b"GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", b"GET|/a||"),
    ("a host named by a container", b"GET /a HTTP/1.1\r\nHost: file_host:80\r\n\r\n", b"GET|/a||"),
    ("a body", request("PUT", "/a", body=b"hello"), b"PUT|/a||hello"),
    ("a length of nothing", request("PUT", "/a", "Content-Length: 0"), b"PUT|/a||"),
    ("chunks", request("PUT", "/a", "Transfer-Encoding: Chunked") + b"3\r\nabc\r\n0\r\n\r\n", b"PUT|/a||abc"),
    (
        "a chunk extension",
        request("PUT", "/a", "Transfer-Encoding: chunked") + b"3;x=y\r\nabc\r\n0\r\n\r\n",
        b"PUT|/a||abc",
    ),
    (
        "trailers",
        request("PUT", "/a", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\nX: y\r\n\r\n",
        b"PUT|/a||abc",
    ),
]


@pytest.mark.parametrize(("data", "echo"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_a_proper_request_is_served_and_the_connection_goes_on(client: Raw, data: bytes, echo: bytes) -> None:
    answer = client.ask(data)
    assert (answer.status, answer.body) == (200, echo)
    if b"HTTP/1.0" not in data:
        assert client.ask(request("GET", "/next")).body == b"GET|/next||"


def _put(*fields: str, body: bytes = b"hello") -> bytes:
    return request("PUT", "/a", *fields) + body


BAD = [
    ("a length and chunks", _put("Content-Length: 5", "Transfer-Encoding: chunked"), 400),
    ("chunks and a length", _put("Transfer-Encoding: chunked", "Content-Length: 5"), 400),
    ("two lengths", _put("Content-Length: 5", "Content-Length: 6"), 400),
    ("the same length twice", _put("Content-Length: 5", "Content-Length: 5"), 400),
    ("a list of lengths", _put("Content-Length: 5, 5"), 400),
    ("a signed length", _put("Content-Length: +5"), 400),
    ("a negative length", _put("Content-Length: -5"), 400),
    ("a length with an underscore", _put("Content-Length: 1_0"), 400),
    ("a length in hexadecimal", _put("Content-Length: 0x5"), 400),
    ("a length in other digits", b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: \xb2\r\n\r\nab", 400),
    ("a length of nothing at all", _put("Content-Length:"), 400),
    ("a length beyond all measure", _put("Content-Length: 9999999999999999999"), 400),
    ("two codings", _put("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
    ("an unknown coding", _put("Transfer-Encoding: gzip"), 501),
    ("a list of codings", _put("Transfer-Encoding: gzip, chunked"), 501),
    ("a hidden coding", _put("Transfer-Encoding: \x0bchunked"), 400),
    ("a coding with HTTP/1.0", b"PUT /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("no host", b"GET /a HTTP/1.1\r\n\r\n", 400),
    ("two hosts", request("GET", "/a", "Host: other"), 400),
    ("a host with a user", b"GET /a HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    ("a host with a path", b"GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("an empty host", b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("two destinations", request("MOVE", "/a", "Destination: /b", "Destination: /c"), 400),
    ("a folded line", b"GET /a HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", 400),
    ("a folded first line", b"GET /a HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n", 400),
    ("a blank before a colon", b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello", 400),
    ("an underscore in a name", request("GET", "/a", "Content_Length: 5"), 400),
    ("a name with a slash", request("GET", "/a", "A/B: 5"), 400),
    ("a line without a colon", request("GET", "/a", "nonsense"), 400),
    ("a line without a name", request("GET", "/a", ": value"), 400),
    ("a bare LF in the head", b"GET /a HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400),
    ("bare LFs only", b"GET /a HTTP/1.1\nHost: h\n\n", 400),
    ("a bare CR in a value", b"GET /a HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400),
    ("a NUL in a value", b"GET /a HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 400),
    ("a control byte in the target", b"GET /a\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("a tab in the request line", b"GET /a\tHTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("two blanks in the request line", b"GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("a blank in the target", b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("no version", b"GET /a\r\nHost: h\r\n\r\n", 400),
    ("a version in lower case", b"GET /a http/1.1\r\nHost: h\r\n\r\n", 400),
    ("a version to come", b"GET /a HTTP/2.0\r\nHost: h\r\n\r\n", 505),
    ("a version with more digits", b"GET /a HTTP/1.10\r\nHost: h\r\n\r\n", 400),
    ("a method that is no token", b"GE(T /a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("a relative target", b"GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("an authority as target", b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("a foreign scheme", b"GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("a fragment", request("GET", "/a#b"), 400),
    ("a star for another method", b"GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("an encoded slash", request("GET", "/a%2Fb"), 400),
    ("an encoded slash in lower case", request("GET", "/a%2fb"), 400),
    ("a broken escape", request("GET", "/a%zz"), 400),
    ("half an escape", request("GET", "/a%4"), 400),
    ("a path that is not UTF-8", request("GET", "/%ff"), 400),
    ("a raw path that is not UTF-8", b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    ("an overlong encoding", request("GET", "/%c0%af"), 400),
    ("an unknown expectation", _put("Content-Length: 5", "Expect: something"), 417),
    ("a long target", request("GET", "/" + "a" * 20_000), 414),
    ("a target without an end", b"GET /" + b"a" * 70_000, 414),
    ("a long head", request("GET", "/a", *(f"X-{i}: {'v' * 1000}" for i in range(80))), 431),
    ("many fields", request("GET", "/a", *(f"X-{i}: v" for i in range(150))), 431),
]


@pytest.mark.parametrize(("data", "status"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_an_improper_request_is_refused_and_nothing_behind_it_is_served(
    client: Raw, data: bytes, status: int
) -> None:
    client.send(data + request("GET", "/smuggled"))
    answer = client.answer()
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    assert answer.body.endswith(b".\n"), "a refusal is a sentence"
    assert client.rest() == b""


BAD_CHUNKS = [
    ("a size with a prefix", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("a size with an underscore", b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
    ("a signed size", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("a negative size", b"-5\r\nhello\r\n0\r\n\r\n"),
    ("a blank before a size", b" 5\r\nhello\r\n0\r\n\r\n"),
    ("no size", b"\r\nhello\r\n0\r\n\r\n"),
    ("a size of sixteen digits", b"0000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("a size that ends in LF", b"5\nhello\r\n0\r\n\r\n"),
    ("a size with a bare CR", b"5\rx\r\nhello\r\n0\r\n\r\n"),
    ("a chunk longer than its size", b"4\r\nhello\r\n0\r\n\r\n"),
    ("a chunk without its end", b"5\r\nhello0\r\n\r\n"),
    ("an endless extension", b"5;" + b"x" * 10_000 + b"\r\nhello\r\n0\r\n\r\n"),
    ("a control byte in an extension", b"5;\x01\r\nhello\r\n0\r\n\r\n"),
    ("a trailer that is no field", b"5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
    ("a folded trailer", b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"),
    ("trailers without end", b"0\r\n" + b"X: y\r\n" * 20_000),
]


@pytest.mark.parametrize("body", [case[1] for case in BAD_CHUNKS], ids=[case[0] for case in BAD_CHUNKS])
def test_malformed_chunks_are_refused_and_nothing_behind_them_is_served(client: Raw, body: bytes) -> None:
    client.send(request("PUT", "/a", "Transfer-Encoding: chunked") + body + request("GET", "/smuggled"))
    answer = client.answer()
    assert answer.status == 400
    assert client.rest() == b""


def test_the_head_may_arrive_byte_by_byte(client: Raw) -> None:
    for octet in request("PUT", "/a%20b", body=b"xy"):
        client.send(bytes([octet]))
    assert client.answer().body == b"PUT|/a b||xy"


def test_requests_sent_at_once_are_answered_in_order(client: Raw) -> None:
    client.send(b"".join(request("PUT", f"/{i}", body=b"x" * i) for i in range(20)))
    assert [client.answer().body for _ in range(20)] == [b"PUT|/%d||%b" % (i, b"x" * i) for i in range(20)]


_names = st.text("abcXYZ-_ \t:", min_size=1, max_size=8) | st.sampled_from(
    ["Host", "Content-Length", "Transfer-Encoding", "Connection"]
)
_values = st.text(st.characters(codec="latin-1"), max_size=12) | st.sampled_from(
    ["5", "chunked", "close", "h", "+5", "5, 5", "gzip"]
)
_lines = st.lists(st.tuples(_names, st.sampled_from([":", ": ", " :", ""]), _values), max_size=5)
_firsts = st.sampled_from(
    ["GET / HTTP/1.1", "PUT /a%20b?c HTTP/1.1", "GET  / HTTP/1.1", "G\x01T / HTTP/1.1"]
) | st.text(st.characters(codec="latin-1"), max_size=20)


@given(_firsts, _lines, st.sampled_from(["\r\n", "\n", "\r"]))
def test_whatever_head_is_accepted_h11_reads_the_same_way(
    first: str, lines: list[tuple[str, str, str]], end: str
) -> None:
    text = end.join([first, "Host: h", *("".join(line) for line in lines)])
    data = text.encode("latin-1")
    if b"\r\n\r\n" in data or data.startswith(b"\r\n"):
        return  # then it is another head that ends earlier
    try:
        head = parse_head(data, Limits())
    except Refusal:
        return
    other = h11.Connection(h11.SERVER)
    other.receive_data(data + b"\r\n\r\n")
    event = other.next_event()
    assert isinstance(event, h11.Request)
    assert (event.method.decode(), event.target.decode("latin-1")) == (head.method, head.target)
    lengths = [value for name, value in event.headers if name == b"content-length"]
    assert lengths == ([] if head.length is None else [str(int(lengths[0])).encode()])
    assert head.chunked == any(name == b"transfer-encoding" for name, _ in event.headers)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    with contextlib.suppress(Refusal):
        parse_head(data, Limits())
