"""The server of one worker process: its settings, its threads, its connections.

Of cheroot's server it keeps the binding of addresses, the start and the stop; the thread pool is a
Crew, the connection manager is Waiting. Listening sockets that were bound by a parent process can
be taken over as they are.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from collections.abc import Sequence
from email.utils import formatdate
from typing import TYPE_CHECKING

from cheroot import wsgi

from filehost_dav.http.connection import Connection
from filehost_dav.http.crew import Crew
from filehost_dav.http.door import Door, make_doors
from filehost_dav.http.gateway import Gateway
from filehost_dav.http.listener import Bound
from filehost_dav.http.loads import Load
from filehost_dav.http.pipe import SharedPipe
from filehost_dav.http.proxies import Proxies
from filehost_dav.http.service import Service
from filehost_dav.http.waiting import Waiting

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)
_LAST_SECONDS = 0.2
STACK = 524_288
"""Bytes of address space for the stack of a thread; only what is used costs memory."""


class Server(wsgi.Server):
    """Serves one WSGI application on its listening sockets, until `stop`."""

    ConnectionClass = Connection

    def __init__(
        self,
        application: WSGIApplication,
        bound: Sequence[Bound],
        service: Service,
        load: Load | None = None,
    ) -> None:
        """`bound` sockets are listening; the server closes them. `load`: this process among several."""
        super().__init__(bound[0].address, application, server_name="Filehost-DAV")
        self.doors = make_doors(application, bound, service, several=load is not None)
        self.gateway = Gateway
        self.limits = service.limits
        self.requests = Crew(service.threads)
        self.proxies = Proxies.parse(service.proxies)
        self.offload = service.offload
        self.blocking = service.blocking
        self.pipe = SharedPipe()
        self._date = (0, "")
        self._load = load

    def prepare(self) -> None:
        """Start the threads; from now on clients are served."""
        for door in self.doors:
            door.listener.setblocking(False)
        threading.stack_size(STACK)
        sys.setswitchinterval(0.001)
        self._connections = Waiting(self.doors, self._meet, self.limits.connections, self._load)
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
        for door in self.doors:
            door.listener.close()
        self.pipe.close()

    def date(self) -> str:
        """The Date of a response (RFC 9110 section 6.6.1), made once a second."""
        second, text = self._date
        now = int(time.time())
        if now != second:
            text = formatdate(now, usegmt=True)
            self._date = (now, text)
        return text

    def park(self, connection: Connection) -> None:
        """Hear nothing more of it until its deadline."""
        self._connections.park(connection)

    def closed(self, _connection: Connection) -> None:
        """A connection tells that it is closed."""
        self._connections.closed()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """What cheroot itself has to say goes into the log."""
        _log.log(level, msg, exc_info=traceback)

    def _meet(self, sock: socket.socket, address: object, door: Door) -> Connection:
        connection = self.ConnectionClass(self, sock if door.tls is None else door.tls.wrap(sock), door)
        if isinstance(address, tuple):  # not a unix socket
            connection.remote_addr, connection.remote_port = address[0], str(address[1])
        return connection
