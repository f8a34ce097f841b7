"""Resolver: leads a request to the engine of its provider, in place of WsgiDAV's RequestResolver.

WsgiDAV's makes a RequestServer for every request; here there is one per provider for its whole life.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from filehost_dav.dav.answer import StartResponse
from filehost_dav.dav.engine import Engine
from filehost_dav.dav.request import Services


class Resolver:
    """The innermost application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._engines: dict[Any, Engine] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return self._engine(environ["wsgidav.provider"])(environ, start_response)

    def _engine(self, provider: Any) -> Engine:
        engine = self._engines.get(provider)
        if engine is None:
            engine = self._engines.setdefault(provider, Engine(provider, self._services))
        return engine
