"""The processes: a parent that binds, forks workers and looks after them.

    serve(Listener(port=8080), load, on_ready=print)

`load()` returns a Service: what the workers serve. It is called once at the start, and again on
every SIGHUP; the workers are then replaced one by one, with no connection refused. When it raises
ConfigError on SIGHUP, the problem is logged and the old service goes on. It runs in the parent,
so it must leave no open connection or thread behind: `Service.make_application` is called in each
worker, after the fork, and builds what must not be shared.

SIGTERM and SIGINT stop accepting, let running requests finish within `Limits.drain_seconds` and
end the workers. A worker that dies is replaced, with a growing pause when it keeps dying. Without
fork (Windows) everything runs in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cheroot import wsgi

from filehost_dav.http.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen. Port 0 takes a free one. `unix`, a path, is used instead of host and port."""

    host: str = "127.0.0.1"
    port: int = 8080
    unix: Path | None = None
    backlog: int = 1024


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: the certificate with its chain, and its private key. Read again when they change."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Offload:
    """Let the front server send whole files: `X-Accel-Redirect` (nginx) or `X-Sendfile` (Apache, lighttpd).

    With `header="X-Accel-Redirect"`, a file below `root` is named `prefix` plus its path there.
    With `header="X-Sendfile"` its full path is sent, and `prefix` is not used.
    """

    header: str
    root: Path
    prefix: str = "/"


@dataclass(frozen=True, slots=True)
class Service:
    """What the workers serve: all that a reload may change.

    `workers` is the number of processes; `threads` the most threads of one of them (they are made
    on demand: one per request that waits for its client). `proxies` are the addresses or networks
    whose `Forwarded` and `X-Forwarded-*` are believed.
    """

    make_application: Callable[[], WSGIApplication]
    workers: int = 1
    threads: int = 2000
    limits: Limits = field(default_factory=Limits)
    certificate: Certificate | None = None
    proxies: tuple[str, ...] = ()
    offload: Offload | None = None


def serve(listener: Listener, load: Callable[[], Service], *, on_ready: Callable[[str], None]) -> None:
    """Serve until asked to stop. `on_ready` is called once, in the parent, with the URL, when clients may come.

    Raises OSError when the address cannot be bound, and whatever the first `load` raises.
    """
    service = load()
    server = wsgi.Server((listener.host, listener.port), service.make_application())
    server.prepare()
    scheme = "https" if service.certificate else "http"
    host, port = server.bind_addr
    on_ready(f"{scheme}://{host}:{port}/")
    try:
        server.serve()
    finally:
        server.stop()
