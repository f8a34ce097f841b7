"""ErrorPrinter: the outermost layer of the DAV application, where every error becomes an answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from filehost_dav.dav.answer import StartResponse, send
from filehost_dav.dav.request import prefix_of
from filehost_dav.dav.statuses import error_answer, failure_answer
from filehost_dav.errors import FilehostError

_log = logging.getLogger(__name__)
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class ErrorPrinter:
    """Takes the place of WsgiDAV's, whose pages show paths of the server's disk."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._inner(environ, start_response)
        except FilehostError as error:
            answer = error_answer(error, prefix=prefix_of(environ))
        except Exception:  # noqa: BLE001 - the outermost gateway: a fault must not end the worker
            request_id = environ.get("filehost.request_id", "")
            _log.exception("request %s: %s failed", request_id or "-", environ["REQUEST_METHOD"])
            answer = failure_answer(request_id)
        return send(answer, environ, start_response)
