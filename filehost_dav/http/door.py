"""Door: a listening socket, and what those meet who come through it.

The server's own doors lead to its application, over TLS where there is a certificate. A door that
redirects speaks plain HTTP and leads to an application that only says where the others are.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filehost_dav.http.listener import Bound
from filehost_dav.http.service import Service
from filehost_dav.http.tls import Tls

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HTTPS_PORT = "filehost.https_port"
"""In the environ of a door that redirects: the port of the server's own first door, as text."""


@dataclass(frozen=True, slots=True)
class Door:
    """`environ` is what is the same for every request that comes through it."""

    listener: socket.socket
    application: WSGIApplication
    tls: Tls | None
    environ: dict[str, Any]


def make_doors(
    application: WSGIApplication, bound: Sequence[Bound], service: Service, *, several: bool
) -> list[Door]:
    """One for each socket. Raises OSError when the certificate cannot be used."""
    tls = None if service.certificate is None else Tls(service.certificate)
    redirect = None if service.make_redirect is None else service.make_redirect()
    own = {HTTPS_PORT: _host_and_port(next(opening for opening in bound if not opening.redirects))[1]}
    doors = []
    for opening in bound:
        if not opening.redirects:
            doors.append(Door(opening.socket, application, tls, _environ(opening, tls is not None, several)))
        elif redirect is not None:
            doors.append(Door(opening.socket, redirect, None, _environ(opening, False, several) | own))
    return doors


def _environ(bound: Bound, secure: bool, several: bool) -> dict[str, Any]:
    host, port = _host_and_port(bound)
    return {
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_SOFTWARE": "Filehost-DAV",
        "ACTUAL_SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if secure else "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": several,
        "wsgi.run_once": False,
        "filehost.gateway": True,
    }


def _host_and_port(bound: Bound) -> tuple[str, str]:
    address = bound.address
    return (address[0], str(address[1])) if isinstance(address, tuple) else ("localhost", "")
