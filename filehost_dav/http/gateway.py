"""From the application's answer to bytes on the wire.

The head leaves together with a small body. Every header value is checked for line breaks; a body
is counted, and one that is not as long as promised ends its connection, so that no client takes
the next answer for the rest of this one. An application that fails before its head is out is
answered for with a 500.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cheroot.wsgi import Gateway_10

from filehost_dav.errors import BadBody, Truncated, Unavailable
from filehost_dav.http import transfer
from filehost_dav.http.reply import BODILESS, PLAIN, Terms, make_reply
from filehost_dav.http.wire import BLOCK, MORE, Gone

if TYPE_CHECKING:
    from filehost_dav.http.request import Request
    from filehost_dav.http.wire import Wire
    from filehost_dav.storage.tree import Span

_log = logging.getLogger(__name__)


class Gateway(Gateway_10):
    """Runs the application for one request."""

    req: Request
    env: dict[str, Any]

    def __init__(self, req: Request) -> None:
        super().__init__(req)
        self._wire: Wire = req.conn.wire
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._left: int | None = None
        """Bytes still promised; None when the length is not known."""
        self._chunked = False
        self._silent = req.head.method == "HEAD"
        self._sent_before = self._wire.sent

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]  # the stubs say None
        return self.req.environ()

    def respond(self) -> None:
        """Run the application, send what it answers, and settle whether the connection goes on."""
        request = self.req
        if not request.head.keep_alive or not request.server.ready:
            request.close_connection = True
        try:
            self._run()
            self._finish()
        except Gone:
            request.close_connection = True
        except (Truncated, BadBody) as error:
            self._fail("400 Bad Request", error.message)
        except Unavailable as error:
            self._fail("503 Service Unavailable", error.message)
        except Exception:  # noqa: BLE001 - the outermost gateway: whatever it was, the client gets an answer
            _log.exception("The application failed on request %s", self.env.get("filehost.request_id", "-"))
            self._fail("500 Internal Server Error", "The server failed on this request.")
        finally:
            self._settle()

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """PEP 3333. A second call needs `exc_info`, and is too late once the head is out."""
        try:
            if self.started_response and exc_info is None:
                raise RuntimeError("start_response was called a second time without exc_info.")
            if self.req.sent_headers and exc_info is not None:
                raise exc_info[1].with_traceback(exc_info[2])
        finally:
            exc_info = None
        self.started_response = True
        self._status, self._headers = status, list(headers)
        return self.write

    def write(self, chunk: bytes) -> None:
        """Send a piece of the body, the head before it when it is the first."""
        if not self.started_response:
            raise RuntimeError("The application sent a body before start_response.")
        head = b"" if self.req.sent_headers else self._head()
        piece = self._framed(chunk)
        if len(piece) <= BLOCK:
            head, piece = b"", head + piece
        if head:
            self._wire.send(head, *self._more)
        if piece:
            (self._wire.send_last if self._is_last else self._wire.send)(piece)

    def send_file(self, descriptor: int, start: int, length: int) -> None:
        """Send a part of a file within the kernel; the length was promised in the head."""
        if not self.req.sent_headers:
            self._wire.send(self._head(), *self._more)
        if self._silent:
            return
        if self._left is None or length > self._left:
            raise ValueError("A file longer than the promised Content-Length.")
        sent = self._wire.send_file(descriptor, start, length)
        self._left -= sent
        if sent < length:
            self._break("A file became shorter while it was sent.")

    @property
    def promised(self) -> int | None:
        """Bytes of the body that the headers promise and that are not sent yet."""
        if not self.req.sent_headers:
            return self._length()
        return self._left

    @property
    def takes_files(self) -> bool:
        """Whether `send_file` works here: a plain socket, and a length that was promised."""
        return not self._wire.tls and transfer.SENDFILE and self.promised is not None

    @property
    def silent(self) -> bool:
        """Whether this response has no body whatever the application sends (HEAD, 204, 304)."""
        return self._silent or self._status.startswith(BODILESS)

    def offload(self, *headers: tuple[str, str]) -> None:
        """Answer with headers that tell the front server what to send instead."""
        dropped = ("content-length", "accept-ranges")
        self._headers = [(name, text) for name, text in self._headers if name.lower() not in dropped]
        self._headers += [*headers, ("Content-Length", "0")]

    @property
    def status(self) -> str:
        """The status line's code and phrase, as the application gave them."""
        return self._status

    @property
    def _is_last(self) -> bool:
        """Whether all that was promised is there, and the connection ends with it."""
        return self._left == 0 and self.req.close_connection

    @property
    def _more(self) -> tuple[int, ...]:
        return () if self._wire.tls else (MORE,)

    def _run(self) -> None:
        response: Iterable[bytes] = self.req.conn.door.application(self.env, self.start_response)
        try:
            for chunk in response:
                if chunk:
                    self.write(chunk)
            parts = self.env.pop("filehost.answer", None)
            if parts is not None:
                self._send(parts)
        finally:
            close = getattr(response, "close", None)
            if close is not None:
                close()

    def _send(self, parts: Iterable[bytes | Span]) -> None:
        try:
            transfer.send(parts, self, self.req.server.offload)
        except Unavailable as error:
            if self.req.sent_headers:
                raise
            # The first bytes of the content did not come, so the head can still say so.
            text = f"{error.message}\n".encode()
            self._status = "503 Service Unavailable"
            self._headers = [
                *PLAIN,
                ("Content-Length", str(len(text))),
                ("Retry-After", str(error.retry_after)),
            ]
            self.write(text)

    def _finish(self) -> None:
        """The body is complete as far as the application is concerned."""
        if not self.started_response:
            raise RuntimeError("The application never called start_response.")
        if not self.req.sent_headers:
            self.write(b"")
        if self._chunked:
            self._wire.send(b"0\r\n\r\n")
        if self._left and not self._silent:
            self._break("The application sent less than the promised Content-Length.")

    def _settle(self) -> None:
        """Whether the next request can follow: only when this one was read and answered to its end."""
        request = self.req
        body = request.body
        if not body.finished:
            if not request.close_connection and body.is_at_hand():
                body.drop()
            else:
                request.close_connection = True
                request.unread = not body.broken
        done = self.env.get("filehost.done")
        if done is not None:
            done(self._wire.sent - self._sent_before)

    def _fail(self, status: str, sentence: str) -> None:
        request = self.req
        request.close_connection = True
        if not request.sent_headers:
            try:
                request.simple_response(status, sentence)
            except Gone:
                return

    def _break(self, sentence: str) -> None:
        self.req.close_connection = True
        _log.warning("%s (request %s)", sentence, self.env.get("filehost.request_id", "-"))

    def _framed(self, chunk: bytes) -> bytes:
        """The piece as it goes on the wire, once the head is decided."""
        if self._silent or not chunk:
            return b""
        if self._chunked:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if self._left is not None:
            if len(chunk) > self._left:
                self._break("The application sent more than the promised Content-Length.")
                chunk = chunk[: self._left]
            self._left -= len(chunk)
        return chunk

    def _length(self) -> int | None:
        for name, value in self._headers:
            if name.lower() == "content-length":
                return int(value)
        return None

    def _head(self) -> bytes:
        """The head as it goes out; from here on the framing is decided."""
        request = self.req
        body = request.body
        read = body.finished or body.is_at_hand()
        close = request.close_connection or not request.server.ready or not read
        terms = Terms(
            request.head.version,
            request.head.method == "HEAD",
            close,
            request.server.date(),
            request.server.server_name,
        )
        reply = make_reply(self._status, self._headers, terms)
        self._left, self._chunked, self._silent = reply.left, reply.chunked, reply.silent
        request.close_connection = reply.close
        request.sent_headers = True
        return reply.head
