"""One request: its head, its body, and what WSGI calls the environ.

A request that cannot be understood in exactly one way is answered here, with a sentence, and its
connection closed. A short body is waited for in the selector, so that the application finds it whole.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cheroot.server import HTTPRequest

from filehost_dav.http.body import Body
from filehost_dav.http.head import Head, Refusal, parse_head
from filehost_dav.http.proxies import believe
from filehost_dav.http.reply import PLAIN, Terms, make_reply
from filehost_dav.http.wire import RECEIVE

if TYPE_CHECKING:
    from filehost_dav.http.connection import Connection
    from filehost_dav.http.server import Server


class Request(HTTPRequest):
    """`parse_request` until it is `ready` (or answered), then `respond`."""

    server: Server
    conn: Connection
    head: Head
    body: Body

    def __init__(self, server: Server, conn: Connection) -> None:
        super().__init__(server, conn)
        self.awaits_more = False
        self.unread = False
        self._head_end = -1

    def parse_request(self) -> None:
        """Take the head (and a short body) out of the inbox; `awaits_more` when it is not all there."""
        try:
            if self._head_end < 0:
                self._take_head()
            if self._head_end >= 0:
                self.awaits_more = self._waits_for_body()
                self.ready = not self.awaits_more
        except Refusal as refusal:
            self.refuse(refusal)

    def respond(self) -> None:
        """Run the application and send its answer; or say that too many uploads are running."""
        if self.head.method in self.server.blocking:
            self.server.requests.leave()
        if self.body.is_at_hand() or self.server.requests.has_room():
            self.server.gateway(self).respond()
        else:
            self.unread = True
            sentence = "Too many uploads are running. Try again soon."
            self.simple_response("503 Service Unavailable", sentence, ("Retry-After", "5"))

    def refuse(self, refusal: Refusal) -> None:
        """Answer what is no proper request, and close."""
        self.awaits_more = False
        self.unread = True
        self.simple_response(refusal.status, refusal.sentence)

    def simple_response(self, status: str, msg: str = "", *more: tuple[str, str]) -> None:
        """A short answer in plain text, with `more` headers, that ends the connection.

        It does not wait: a client that has not even read its earlier answers gets none.
        """
        self.close_connection = self.sent_headers = True
        text = f"{msg}\n".encode()
        headers = [*PLAIN, ("Content-Length", str(len(text))), *more]
        terms = Terms("HTTP/1.1", False, True, self.server.date(), self.server.server_name)
        self.conn.wire.send_now(make_reply(status, headers, terms).head + text)

    def environ(self) -> dict[str, Any]:
        """The WSGI environ (PEP 3333), with `filehost.gateway` to say that answers may be handed over."""
        head, conn = self.head, self.conn
        environ = conn.door.environ.copy()
        environ.update(head.fields)
        environ["REQUEST_METHOD"] = head.method
        environ["PATH_INFO"] = head.path
        environ["QUERY_STRING"] = head.query
        environ["REQUEST_URI"] = head.target
        environ["SERVER_PROTOCOL"] = head.version
        environ["REMOTE_ADDR"] = environ["filehost.peer"] = conn.remote_addr
        environ["REMOTE_PORT"] = conn.remote_port
        environ["wsgi.input"] = self.body
        environ["wsgi.errors"] = sys.stderr
        environ["wsgi.input_terminated"] = True
        proxies = self.server.proxies
        return believe(environ, proxies) if proxies else environ

    def _take_head(self) -> None:
        wire, limits = self.conn.wire, self.server.limits
        data = wire.peek()
        if data.startswith(b"\r\n"):
            # An empty line before the request line is forgiven (RFC 9112 section 2.2), once.
            wire.skip(2)
            data = wire.peek()
        end = data.find(b"\r\n\r\n")
        if end < 0 or end > limits.head:
            self._check_partial(data)
            self.awaits_more = True
            return
        self._head_end = end
        wire.skip(end + 4)
        self.head = head = parse_head(data[:end], limits)
        length = None if head.chunked else head.length or 0
        self.body = Body(wire, length, limits=limits, pipe=self.server.pipe, ask=head.expects_continue)

    def _check_partial(self, data: bytes) -> None:
        limits = self.server.limits
        if len(data) > limits.target and b"\r\n" not in data[: limits.target + 64]:
            raise Refusal("414 URI Too Long", f"The target is longer than {limits.target} bytes.")
        if len(data) > limits.head:
            raise Refusal("431 Request Header Fields Too Large", f"The head exceeds {limits.head} bytes.")
        if b"\n\n" in data:
            raise Refusal("400 Bad Request", "A line of the head does not end in CR LF.")

    def _waits_for_body(self) -> bool:
        """A short body that no one has to ask for first is let in before the application runs."""
        head = self.head
        if head.length is None or head.length > RECEIVE or head.expects_continue:
            return False
        return not self.body.is_at_hand()
