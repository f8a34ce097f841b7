"""Service: everything that the workers of a server are told, as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from filehost_dav.errors import ConfigError
from filehost_dav.http.limits import Limits
from filehost_dav.http.listener import Bound
from filehost_dav.http.proxies import Proxies
from filehost_dav.http.tls import Certificate, Tls
from filehost_dav.http.transfer import Offload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


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
    make_redirect: Callable[[], WSGIApplication] | None = None
    """Makes what answers at sockets that redirect from plain HTTP to HTTPS."""
    on_death: Callable[[], None] = lambda: None
    """Called, in the parent, when a worker has ended without being asked to."""
    offload: Offload | None = None
    blocking: frozenset[str] = frozenset()
    """Methods that wait for a disk or another server: each such request runs beside the others at once."""

    def check(self, bound: Iterable[Bound] = ()) -> None:
        """Raises OSError or ValueError when the certificate or the proxies cannot be used, ConfigError when
        one of the sockets would lead to HTTPS that is not there.
        """
        if self.make_redirect is None and any(opening.redirects for opening in bound):
            raise ConfigError(["A socket redirects to HTTPS, and there is no certificate"])
        if self.certificate is not None:
            Tls(self.certificate)
        Proxies.parse(self.proxies)
