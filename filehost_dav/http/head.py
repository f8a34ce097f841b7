"""The head of a request: bytes in, a Head or a Refusal out.

Whatever two readers could understand differently is refused, because the difference is what
request smuggling is made of (RFC 9112 sections 2.2, 3, 5 and 6): a length beside a chunked coding,
a repeated length, coding or host, a line that ends in LF alone, a folded line, a blank before a
colon, an underscore in a name (it would collide with `-` in the WSGI environ).

The path is decoded once. An encoded slash is refused: decoded it would become a separator, kept it
could not be told from a name that really holds `%2F`. An encoded byte sequence that is not UTF-8
names nothing and is refused too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from filehost_dav.http.limits import Limits


class Refusal(Exception):
    """The request cannot be served as HTTP: a status line and a sentence. The connection ends with it."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(f"{status}: {sentence}")
        self.status = status
        self.sentence = sentence


class Head(NamedTuple):
    """What the request line and the header fields say, checked.

    `path` and `query` are as WSGI wants them (the path decoded, its UTF-8 bytes as latin-1);
    `fields` are keyed as in the WSGI environ. `length` is None when no Content-Length was sent.
    """

    method: str
    target: str
    path: str
    query: str
    version: str
    fields: dict[str, str]
    length: int | None
    chunked: bool
    keep_alive: bool
    expects_continue: bool


_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOST = re.compile(r"[0-9A-Za-z.\-_~!$&'()*+,;=%]+(:[0-9]*)?|\[[0-9A-Za-z:.%]+\](:[0-9]*)?")
_ABSOLUTE = re.compile(r"(?i:https?)://([^/?#]*)([^#]*)")
_DIGITS = "0123456789ABCDEFabcdef"
_OCTETS = {
    high + low: chr(int(high + low, 16))
    for high in _DIGITS
    for low in _DIGITS
    if (high + low) not in ("2F", "2f")
}
"""What may stand behind a % and what it means. An encoded slash may not."""
_CONTROLS = bytes({*range(32), 127} - {9, 10, 13})
_SHORT = 2048
"""Bytes of header fields up to which they are worth remembering."""
_ONCE = frozenset(
    {
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "HTTP_AUTHORIZATION",
        "HTTP_DEPTH",
        "HTTP_DESTINATION",
        "HTTP_EXPECT",
        "HTTP_HOST",
        "HTTP_IF",
        "HTTP_LOCK_TOKEN",
        "HTTP_OVERWRITE",
        "HTTP_RANGE",
        "HTTP_TRANSFER_ENCODING",
    }
)
"""Fields that mean one thing: two of them are two requests in one."""


class _Fields(NamedTuple):
    """The header fields of one request, and what they say of its body and connection. Not to be changed."""

    values: dict[str, str]
    length: int | None
    chunked: bool
    keep_alive: bool
    expects_continue: bool


def parse_head(data: bytes, limits: Limits) -> Head:
    """The head in `data`: everything before the blank line, without it. Raises Refusal."""
    line, _, block = data.partition(b"\r\n")
    method, target, version = _request_line(_text(line), limits)
    parse = _same_fields if len(block) <= _SHORT else _parse_fields
    fields, length, chunked, keep_alive, expects_continue = parse(block, version, limits)
    path, query, host = _split_target(method, target)
    if host is not None:
        fields = {**fields, "HTTP_HOST": host}
        _check_host(host)
    return Head(method, target, path, query, version, fields, length, chunked, keep_alive, expects_continue)


def _text(data: bytes) -> str:
    """The text of one line, or of several without their ends."""
    if len(data.translate(None, _CONTROLS)) != len(data):
        raise _bad("The head of the request holds a control byte.")
    if b"\n" in data or b"\r" in data:
        raise _bad("A line of the head does not end in CR LF.")
    return data.decode("latin-1")


def _request_line(line: str, limits: Limits) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or "\t" in line:
        raise _bad("The request line is not a method, a target and a version.")
    method, target, version = parts
    if len(target) > limits.target:
        raise Refusal("414 URI Too Long", f"The target of the request is longer than {limits.target} bytes.")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        if re.fullmatch(r"HTTP/[0-9]\.[0-9]", version):
            raise Refusal("505 HTTP Version Not Supported", "This server speaks HTTP/1.1 and HTTP/1.0.")
        raise _bad("The request line names no version of HTTP.")
    if not _is_token(method):
        raise _bad("The method is not a token.")
    return method, target, version


def _parse_fields(block: bytes, version: str, limits: Limits) -> _Fields:
    _text(block.replace(b"\r\n", b""))
    lines = block.decode("latin-1").split("\r\n") if block else []
    if len(lines) > limits.fields:
        raise Refusal("431 Request Header Fields Too Large", f"More than {limits.fields} header fields.")
    values: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise _bad("A header field has no colon.")
        key = _environ_key(name)
        value = value.strip(" \t")
        if key in values:
            if key in _ONCE:
                raise _bad(f"The header field {name} is there twice.")
            value = f"{values[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{value}"
        values[key] = value
    host = values.get("HTTP_HOST")
    if host is not None:
        _check_host(host)
    elif version == "HTTP/1.1":
        raise _bad("A request of HTTP/1.1 needs a Host field.")
    length, chunked = _framing(values, version)
    keep_alive = _keeps_alive(values.get("HTTP_CONNECTION"), version)
    return _Fields(values, length, chunked, keep_alive, _expects_continue(values, version))


_same_fields = lru_cache(maxsize=128)(_parse_fields)
"""Clients send the same fields with almost every request."""


@lru_cache(maxsize=64)
def _is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


@lru_cache(maxsize=64)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


@lru_cache(maxsize=512)
def _environ_key(name: str) -> str:
    if not _TOKEN.fullmatch(name) or "_" in name:
        raise _bad("The name of a header field is malformed.")
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"


def _framing(fields: dict[str, str], version: str) -> tuple[int | None, bool]:
    """The announced length (None: not announced), and whether the body is chunked (RFC 9112 section 6)."""
    length, coding = fields.get("CONTENT_LENGTH"), fields.get("HTTP_TRANSFER_ENCODING")
    if coding is not None:
        if length is not None or version == "HTTP/1.0":
            raise _bad("Transfer-Encoding does not go with Content-Length or HTTP/1.0.")
        if coding.lower() != "chunked":
            raise Refusal("501 Not Implemented", "The only transfer coding here is chunked.")
        return None, True
    if length is None:
        return None, False
    if not (length.isascii() and length.isdigit() and len(length) <= 18):
        raise _bad("Content-Length is not a number of bytes.")
    return int(length), False


def _split_target(method: str, target: str) -> tuple[str, str, str | None]:
    """Path and query of the target, and the host of an absolute one: it replaces Host (RFC 9112 3.2.2)."""
    host = None
    if "#" in target:
        raise _bad("The target of a request has no fragment.")
    if target == "*" and method == "OPTIONS":
        target = "/"
    elif not target.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None:
            raise _bad("The target of the request is not a path.")
        host = absolute[1]
        target = absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}"
    path, _, query = target.partition("?")
    return (path if path.isascii() and "%" not in path else _decoded(path)), query, host


def _check_host(host: str) -> None:
    if not _is_host(host):
        raise _bad("The Host is malformed.")


def _decoded(path: str) -> str:
    first, *rest = path.split("%")
    pieces = [first]
    try:
        for piece in rest:
            pieces.append(_OCTETS[piece[:2]])
            pieces.append(piece[2:])
    except KeyError:
        raise _bad("The path holds an encoded slash, or a % that starts no escape.") from None
    text = "".join(pieces)
    if not text.isascii():
        try:
            text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            raise _bad("The path is not UTF-8.") from None
    return text


def _keeps_alive(connection: str | None, version: str) -> bool:
    if connection is None:
        return version == "HTTP/1.1"
    options = {option.strip().lower() for option in connection.split(",")}
    return "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)


def _expects_continue(fields: dict[str, str], version: str) -> bool:
    """HTTP/1.0 knows no interim responses; there the field is ignored (RFC 9110 section 10.1.1)."""
    expect = fields.get("HTTP_EXPECT")
    if expect is None or version == "HTTP/1.0":
        return False
    if expect.lower() != "100-continue":
        raise Refusal("417 Expectation Failed", "The only expectation known here is 100-continue.")
    return True


def _bad(sentence: str) -> Refusal:
    return Refusal("400 Bad Request", sentence)
