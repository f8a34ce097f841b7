"""Strict-Transport-Security: who came by https:// once shall come that way only (RFC 6797)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class OnlyHttps:
    """WSGI middleware. `seconds` is how long browsers remember."""

    def __init__(self, application: WSGIApplication, seconds: int) -> None:
        self._application = application
        self._header = ("Strict-Transport-Security", f"max-age={seconds}")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("wsgi.url_scheme") != "https":  # section 7.2: never over plain HTTP
            return self._application(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, self._header], *error)

        return self._application(environ, start)
