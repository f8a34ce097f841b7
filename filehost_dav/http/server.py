"""The server of one worker process: its settings, its threads, its connections.

Of cheroot's server it keeps the binding of addresses, the start and the stop; the thread pool is a
Crew, the connection manager is Waiting. A listening socket that was bound by a parent process can
be taken over as it is.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from cheroot import wsgi

from filehost_dav.http.connection import Connection
from filehost_dav.http.crew import Crew
from filehost_dav.http.gateway import Gateway
from filehost_dav.http.loads import Load
from filehost_dav.http.pipes import Pipes
from filehost_dav.http.proxies import Proxies
from filehost_dav.http.service import Service
from filehost_dav.http.tls import Tls
from filehost_dav.http.waiting import Waiting

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)
_LAST_SECONDS = 0.2
STACK = 524_288
"""Bytes of address space for the stack of a thread; only what is used costs memory."""


class Server(wsgi.Server):
    """Serves one WSGI application on one listening socket, until `stop`."""

    ConnectionClass = Connection

    def __init__(
        self,
        application: WSGIApplication,
        listener: socket.socket,
        service: Service,
        load: Load | None = None,
    ) -> None:
        """`listener` is bound and listening; the server closes it. `load`: this process among several."""
        super().__init__(_address(listener), application, server_name="Filehost-DAV")
        self.socket = listener
        self.gateway = Gateway
        self.limits = service.limits
        self.requests = Crew(service.threads)
        self.tls = None if service.certificate is None else Tls(service.certificate)
        self.proxies = Proxies.parse(service.proxies)
        self.offload = service.offload
        self.blocking = service.blocking
        self.pipes = Pipes()
        self.environ = self._base_environ(load is not None)
        self._date = (0, "")
        self._load = load

    def prepare(self) -> None:
        """Start the threads; from now on clients are served."""
        self.socket.setblocking(False)
        threading.stack_size(STACK)
        sys.setswitchinterval(0.001)
        self._connections = Waiting(self.socket, self._meet, self.limits.connections, self._load)
        self.ready = True
        self.requests.start(self._connections)

    def serve(self) -> None:
        """Look after the threads, in the main one, until `end` is called."""
        self.requests.watch()

    def end(self) -> None:
        """Let `serve` return. Safe in a signal handler."""
        self.requests.end_watch()

    def stop(self) -> None:
        """Accept no more, let running requests finish within the drain time, close everything."""
        if not self.ready:
            return
        self.ready = False
        self._connections.stop()
        deadline = time.monotonic() + self.limits.drain_seconds
        while not self._connections.is_empty and time.monotonic() < deadline:
            time.sleep(0.01)
        if not self.requests.stop(_LAST_SECONDS):
            _log.warning("Requests still running after %s seconds are cut off.", self.limits.drain_seconds)
        self._connections.close()
        self.socket.close()
        self.pipes.close()

    def date(self) -> str:
        """The Date of a response (RFC 9110 section 6.6.1), made once a second."""
        second, text = self._date
        now = int(time.time())
        if now != second:
            text = formatdate(now, usegmt=True)
            self._date = (now, text)
        return text

    def closed(self, _connection: Connection) -> None:
        """A connection tells that it is closed."""
        self._connections.closed()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """What cheroot itself has to say goes into the log."""
        _log.log(level, msg, exc_info=traceback)

    def _meet(self, sock: socket.socket) -> Connection:
        peer = self._peer(sock)
        connection = self.ConnectionClass(self, sock if self.tls is None else self.tls.wrap(sock))
        connection.remote_addr, connection.remote_port = peer
        return connection

    def _peer(self, sock: socket.socket) -> tuple[str, str]:
        """Address and port of the client; empty for a unix socket."""
        try:
            name = sock.getpeername()
        except OSError:  # gone already; the first step will find out
            return "", ""
        return (name[0], str(name[1])) if isinstance(name, tuple) else ("", "")

    def _base_environ(self, several: bool) -> dict[str, Any]:
        """What is the same for every request."""
        host, port = self.bind_addr if isinstance(self.bind_addr, tuple) else ("localhost", "")
        return {
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": self.server_name,
            "ACTUAL_SERVER_PROTOCOL": "HTTP/1.1",
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http" if self.tls is None else "https",
            "wsgi.multithread": True,
            "wsgi.multiprocess": several,
            "wsgi.run_once": False,
            "filehost.gateway": True,
        }


def _address(listener: socket.socket) -> tuple[str, int] | str:
    """Host and port, or the path of a unix socket."""
    name = listener.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else str(name)
