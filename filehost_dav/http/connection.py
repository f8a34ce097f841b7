"""One client's connection, as a sequence of steps none of which waits for the client.

handshake (TLS) → request, again and again → discard (after a refusal). Each step runs when the
socket has something to say, and leaves the connection waiting in the selector again. Only a
running request may hold its thread while it waits, inside Body and the gateway.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from cheroot.server import HTTPConnection

from filehost_dav.http.request import Request
from filehost_dav.http.wire import BLOCK, WOULD_BLOCK, Gone, Wire

if TYPE_CHECKING:
    from filehost_dav.http.door import Door
    from filehost_dav.http.server import Server

_PLAIN_ON_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: 41\r\n\r\nThis port speaks HTTPS, not plain HTTP.\r\n"
)
_RECENT = 1.0
"""Seconds a client that has just come, or just been answered, is given for its next request when the
server is about to stop: RFC 9112 section 9.5 lets us close at any time, and few clients ask again."""


_Step = Callable[["Connection"], bool]


class Connection(HTTPConnection):
    """`communicate` is the step that is due; it returns whether the connection stays open."""

    RequestHandlerClass = Request
    server: Server

    def __init__(self, server: Server, sock: socket.socket, door: Door) -> None:
        # Not cheroot's __init__: its caches refer back to the connection, as a bound method as the step would.
        # Who has gone would stay in memory until the garbage collector comes by.
        self.server, self.socket, self.door = server, sock, door
        self.wire = Wire(sock, server.requests.leave, server.limits.send_seconds)
        self.requests_seen = 0
        self.queued = False
        self._request: Request | None = None
        self._discarded = 0
        tls = self.wire.tls
        self._step: _Step = Connection._handshake if tls else Connection._receive
        limits = server.limits
        self._quiet_since = monotonic()
        self.deadline = self._quiet_since + (limits.handshake_seconds if tls else limits.head_seconds)

    def communicate(self) -> bool:
        """Do what is due. False: the connection is finished and must be closed."""
        try:
            return self._step(self)
        except (OSError, Gone):
            return False

    def has_request(self) -> bool:
        """Whether bytes of the next request have arrived already."""
        return self._request is None and self.wire.pending > 0 and self._step is Connection._receive

    def is_idle(self, now: float) -> bool:
        """Whether no request has begun, nor is about to."""
        return (
            self._step is Connection._receive and not self._has_begun() and now >= self._quiet_since + _RECENT
        )

    def _has_begun(self) -> bool:
        return self._request is not None or self.wire.pending > 0

    def expire(self) -> None:
        """Its deadline has passed: a half-sent request is told so, then it is closed."""
        if self._step is Connection._receive and self._has_begun():
            request = self._request or self.RequestHandlerClass(self.server, self)
            with contextlib.suppress(Gone):
                request.simple_response("408 Request Timeout", "The request did not arrive in time.")
        self.close()

    def close(self) -> None:
        """Close the socket; over TLS, say so first (RFC 8446 section 6.1)."""
        if self.wire.tls and self._step is not Connection._handshake:
            with contextlib.suppress(OSError, ValueError):
                self.socket.unwrap()
        self.socket.close()
        self.server.closed(self)

    def _handshake(self) -> bool:
        try:
            self.socket.do_handshake()
        except WOULD_BLOCK:
            return True
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                os.write(self.socket.fileno(), _PLAIN_ON_TLS)
            return False
        self._step = Connection._receive
        self.deadline = monotonic() + self.server.limits.head_seconds
        return self._receive()

    def _receive(self) -> bool:
        if self.wire.pending and self._request is None:
            return self._serve()
        count = self.wire.fetch()
        if not count:
            return count is None
        return self._serve()

    def _serve(self) -> bool:
        request = self._request
        if request is None:
            self._request = request = self.RequestHandlerClass(self.server, self)
            self.deadline = monotonic() + self.server.limits.head_seconds
        request.parse_request()
        if request.awaits_more:
            return True
        if request.ready:
            request.respond()
        self._request = None
        self.requests_seen += 1
        self.wire.rest()
        if request.close_connection:
            return request.unread and self._linger()
        self._quiet_since = monotonic()
        self.deadline = self._quiet_since + self.server.limits.idle_seconds
        return True

    def _linger(self) -> bool:
        """The client may still be sending: closing now would make its system throw our answer away."""
        self.socket.shutdown(socket.SHUT_WR)
        self._step = Connection._discard
        self.deadline = monotonic() + self.server.limits.linger_seconds
        return True

    def _discard(self) -> bool:
        if self._discarded >= self.server.limits.discard:
            # Closing now would reset the connection under the client's hands: a proxy would report a bad
            # gateway, and programs would try again. What is not read holds the client up instead.
            self.server.park(self)
            return True
        try:
            data = self.socket.recv(BLOCK)
        except WOULD_BLOCK:
            return True
        self._discarded += len(data)
        return bool(data)
