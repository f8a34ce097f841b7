"""What one worker process does, from its fork to its end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from filehost_dav.http.limits import Limits
from filehost_dav.http.loads import Load
from filehost_dav.http.proxies import Proxies
from filehost_dav.http.server import Server
from filehost_dav.http.tls import Certificate, Tls
from filehost_dav.http.transfer import Offload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What the workers serve: all that a reload may change.

    `workers` is the number of processes; `threads` the most threads of one of them (they are made
    on demand: one per request that waits for its client). `proxies` are the addresses or networks
    whose `Forwarded` and `X-Forwarded-*` are believed, and `unix` for whoever uses the unix socket.
    An application that has a `close` is closed when its worker ends.
    """

    make_application: Callable[[], WSGIApplication]
    workers: int = 1
    threads: int = 2000
    limits: Limits = field(default_factory=Limits)
    certificate: Certificate | None = None
    proxies: tuple[str, ...] = ()
    offload: Offload | None = None

    def check(self) -> None:
        """Raises OSError or ValueError when the certificate or the proxies cannot be used."""
        if self.certificate is not None:
            Tls(self.certificate)
        Proxies.parse(self.proxies)


def work(
    listener: socket.socket, service: Service, on_ready: Callable[[], None], load: Load | None = None
) -> None:
    """Serve on the listener until SIGTERM (or SIGINT, where nothing else catches it)."""
    application = service.make_application()
    server = Server(
        application,
        listener,
        limits=service.limits,
        threads=service.threads,
        tls=None if service.certificate is None else Tls(service.certificate),
        proxies=Proxies.parse(service.proxies),
        offload=service.offload,
        load=load,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: server.end())
    server.prepare()
    on_ready()
    try:
        server.serve()
    finally:
        server.stop()
        close = getattr(application, "close", None)
        if close is not None:
            close()


def end_with(lifeline: int) -> None:
    """End this process when the other end of the pipe is closed: its parent is gone."""

    def wait() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
