"""Bytes to a server and bytes back: a client that sends whatever it is told, and small servers for it.

`ours` and `stock` serve the same WSGI application in this process, on a free loopback port: our
classes, and cheroot's own ones as they come.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter

from filehost_dav.http.listener import Listener
from filehost_dav.http.server import Server
from filehost_dav.http.service import Service
from filehost_dav.http.tls import Certificate

App = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass
class Answer:
    """One response. Header names are lower case; `interim` are the statuses before it."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    interim: list[int] = field(default_factory=list)


class Raw:
    """A connection on which nothing is checked before it is sent."""

    def __init__(self, port: int, *, timeout: float = 10.0, tls: ssl.SSLContext | None = None) -> None:
        sock = socket.create_connection(("127.0.0.1", port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock if tls is None else tls.wrap_socket(sock, server_hostname="localhost")
        self._data = b""

    def send(self, data: bytes) -> Raw:
        self.sock.sendall(data)
        return self

    def answer(self, method: str = "GET") -> Answer:
        """The next response. Raises EOFError when the server has closed instead."""
        interim: list[int] = []
        while True:
            head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            _, code, reason = (head[0] + " ").split(" ", 2)
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
            }
            if not code.startswith("1"):
                break
            interim.append(int(code))
        status = int(code)
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join(self._chunks())
        elif "content-length" in headers:
            body = self._exactly(int(headers["content-length"]))
        else:
            body = self.rest()
        return Answer(status, reason.strip(), headers, body, interim)

    def ask(self, data: bytes) -> Answer:
        self.send(data)
        return self.answer(data.split(b" ", 1)[0].decode("latin-1"))

    def rest(self) -> bytes:
        """Everything until the server closes. Raises TimeoutError when it does not."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                self._data += data
        data, self._data = self._data, b""
        return data

    def is_closed(self, within: float = 2.0) -> bool:
        """Whether the server closes (without sending more) in so many seconds."""
        self.sock.settimeout(within)
        try:
            return self.sock.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._until(b"\r\n"), 16):
            yield self._exactly(size)
            self._exactly(2)
        self._until(b"\r\n")

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._data:
            self._more()
        piece, _, self._data = self._data.partition(mark)
        return piece

    def _exactly(self, size: int) -> bytes:
        while len(self._data) < size:
            self._more()
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(f"closed after {self._data[:200]!r}")
        self._data += data


@contextlib.contextmanager
def ours(app: App, *, tls: Certificate | None = None, **more: Any) -> Iterator[int]:
    """The port of our server with `app`; `more` are fields of its Service."""
    bound = Listener(port=0).bind()
    port = bound.socket.getsockname()[1]
    server = Server(app, [bound], Service(lambda: app, certificate=tls, **more))
    server.prepare()
    watch = threading.Thread(target=server.serve)
    watch.start()
    try:
        yield port
    finally:
        server.end()
        watch.join()
        server.stop()


@contextlib.contextmanager
def stock(app: App, *, tls: Certificate | None = None, **settings: Any) -> Iterator[int]:
    """The port of cheroot's own server with `app`."""
    server = QuietStock(("127.0.0.1", 0), app, **settings)
    if tls is not None:
        server.ssl_adapter = BuiltinSSLAdapter(tls.certificate, tls.key)
    server.shutdown_timeout = 0.1
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join()


class QuietStock(wsgi.Server):
    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """The faults are the point of the test; their traces are not."""


def make_certificate(folder: Path) -> Certificate:
    """A self-signed certificate for localhost, fresh from the openssl program."""
    files = Certificate(folder / "cert.pem", folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += [
        "-subj",
        "/CN=localhost",
        "-days",
        "2",
        "-out",
        str(files.certificate),
        "-keyout",
        str(files.key),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return files


def trusting() -> ssl.SSLContext:
    """A client's context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def request(method: str = "GET", path: str = "/", *fields: str, body: bytes = b"") -> bytes:
    """A plain request of HTTP/1.1, with a Host and, where there is a body, its length."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def demo(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """`/refuse` answers without reading; anything else echoes method, path, query and body."""
    if environ["PATH_INFO"] == "/refuse":
        return _say(start, "401 Unauthorized", b"no")
    body = environ["wsgi.input"].read()
    parts = [environ[key].encode("latin-1") for key in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")]
    return _say(start, "200 OK", b"|".join([*parts, body]))


def _say(start: Callable[..., Any], status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
