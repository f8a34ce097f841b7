"""The exporter: one of the workers answers `GET /metrics` at an address of its own, for all of them.

Which one does not matter; when it ends, another takes over within seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_log = logging.getLogger(__name__)
_TRY_EVERY: Final = 3.0  # seconds
_KIND: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Exporter:
    """A thread of its own. `take` says whether this process may be the one; `render` makes the text."""

    def __init__(self, address: tuple[str, int], take: Callable[[], bool], render: Callable[[], str]) -> None:
        self._address = address
        self._take = take
        self._render = render
        self._stopped = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._take():
            if self._stopped.wait(_TRY_EVERY):
                return
        while not self._stopped.is_set():
            try:
                self._serve()
            except OSError as error:  # the last one's socket may linger
                _log.warning("Metrics cannot be told at %s:%d: %s", *self._address, error.strerror)
                self._stopped.wait(_TRY_EVERY)

    def _serve(self) -> None:
        with ThreadingHTTPServer(self._address, _handler(self._render)) as server:
            server.daemon_threads = True
            self._server = server
            if not self._stopped.is_set():
                server.serve_forever(0.2)


def _handler(render: Callable[[], str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = render().encode()
            self.send_response(200)
            self.send_header("Content-Type", _KIND)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Scrapes are no news."""

    return Handler
