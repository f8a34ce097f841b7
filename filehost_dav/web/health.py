"""Health: whether the process lives, and whether it can serve, for load balancers and supervisors.

    GET /.filehost/health/live    200 as long as requests are answered at all
    GET /.filehost/health/ready   200, or 503 while the records or the disk are not usable

Anybody may ask, so the answers say nothing but that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from filehost_dav.errors import FilehostError
from filehost_dav.web.refusal import INERT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)
LIVE: Final = "/.filehost/health/live"
READY: Final = "/.filehost/health/ready"


class Health:
    """WSGI middleware, outside the sign-in. `check` raises FilehostError or OSError when it cannot serve."""

    def __init__(self, application: WSGIApplication, check: Callable[[], None]) -> None:
        self._application = application
        self._check = check

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path not in (LIVE, READY) or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._application(environ, start_response)
        ready = path == LIVE or self._is_ready()
        body = b"ok\n" if ready else b"not ready\n"
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *INERT,
        ]
        start_response("200 OK" if ready else "503 Service Unavailable", headers)
        return [body] if environ["REQUEST_METHOD"] == "GET" else []

    def _is_ready(self) -> bool:
        try:
            self._check()
        except (FilehostError, OSError) as error:
            _log.error("Not ready: %s", error)
            return False
        return True
