"""The head of a response, and with it how its body is framed (RFC 9112 section 6).

Values in, values out: what the application said, and what the request and the server make of it.
A name or value that would break the head apart is refused before a byte of it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

BODILESS = ("204", "304")
"""Statuses whose responses have no body. 205 may have one of no bytes."""
PLAIN = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
"""Of a sentence that this room itself has to say."""
_OURS = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})


class Terms(NamedTuple):
    """What the head depends on beside the application's own words."""

    version: str
    """Of the request."""
    head_only: bool
    """Whether the method was HEAD."""
    close: bool
    """Whether the connection must end after this response."""
    date: str
    server: str


class Reply(NamedTuple):
    """The head as it goes out, and what follows from it."""

    head: bytes
    left: int | None
    """Bytes of body that are promised; None when there is no telling."""
    chunked: bool
    silent: bool
    """Whether no body follows, whatever the application sends."""
    close: bool


def make_reply(status: str, headers: Iterable[tuple[str, str]], terms: Terms) -> Reply:
    """Raises ValueError when the status or a header cannot be sent."""
    lines = [f"HTTP/1.1 {status}"]
    own: dict[str, str] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered in _OURS:
            own[lowered] = value
        else:
            lines.append(f"{name}: {value}")
    bodiless = status.startswith(BODILESS)
    left = int(own["content-length"]) if "content-length" in own else None
    framed_by_end = left is None and not bodiless and terms.version == "HTTP/1.0"
    chunked = left is None and not bodiless and not framed_by_end
    close = terms.close or framed_by_end or "close" in own.get("connection", "").lower()
    if left is not None and not bodiless:
        # A 204 must not have one (RFC 9110 section 8.6), and a 304 need not.
        lines.append(f"Content-Length: {left}")
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    if close:
        lines.append("Connection: close")
    elif terms.version == "HTTP/1.0":
        lines.append("Connection: keep-alive")
    lines.append(f"Date: {own.get('date', terms.date)}")
    lines.append(f"Server: {own.get('server', terms.server)}")
    silent = bodiless or terms.head_only
    return Reply(_checked(lines), left, chunked and not silent, silent, close)


def _checked(lines: list[str]) -> bytes:
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or "\0" in text:
        raise ValueError("A header of the response holds a line break.")
    return f"{text}\r\n\r\n".encode("latin-1")
