"""Engine: WsgiDAV's RequestServer with every method replaced, made once per provider.

Each method is a function from a Request to an Answer, complete in itself: conditions, locks, ranges
and errors are the same whichever server or URL the request came through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from wsgidav.request_server import RequestServer

from filehost_dav.dav.answer import Answer, StartResponse, send
from filehost_dav.dav.delete import delete
from filehost_dav.dav.get import get, head
from filehost_dav.dav.guards import entry_at
from filehost_dav.dav.locking import lock, unlock
from filehost_dav.dav.mkcol import mkcol
from filehost_dav.dav.options import allow, options
from filehost_dav.dav.propfind import propfind
from filehost_dav.dav.proppatch import proppatch
from filehost_dav.dav.put import put
from filehost_dav.dav.request import Request, Services
from filehost_dav.dav.statuses import Refusal
from filehost_dav.dav.transfer import copy, move
from filehost_dav.errors import BadPath, NotFound

METHODS: Final[Mapping[str, Callable[[Request], Answer]]] = {
    "PROPFIND": propfind,
    "PROPPATCH": proppatch,
    "GET": get,
    "HEAD": head,
    "PUT": put,
    "DELETE": delete,
    "COPY": copy,
    "MOVE": move,
    "MKCOL": mkcol,
    "LOCK": lock,
    "UNLOCK": unlock,
}
_READING: Final = frozenset({"GET", "HEAD", "PROPFIND"})


class Engine(RequestServer):  # type: ignore[misc]
    """Answers one request after another, from any thread; it keeps nothing of a request."""

    def __init__(self, provider: Any, services: Services) -> None:
        super().__init__(provider)
        self._services = services

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Raises FilehostError; the error printer around it answers."""
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return send(options(), environ, start_response)
        request = self._request(environ)
        handler = METHODS.get(method)
        if handler is None:
            raise Refusal(405, "This method is not supported", headers=allow(entry_at(request, request.path)))
        return send(handler(request), environ, start_response)

    def _request(self, environ: dict[str, Any]) -> Request:
        try:
            return Request.of(environ, self._services)
        except BadPath as error:
            # Nothing can be where no path leads: to a reader that is "not found", to a writer a refusal.
            if environ["REQUEST_METHOD"] in _READING:
                raise NotFound(error.message) from None
            raise
