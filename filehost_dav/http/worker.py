"""What one worker process does, from its fork to its end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence

from filehost_dav.http.listener import Bound
from filehost_dav.http.loads import Load
from filehost_dav.http.server import Server
from filehost_dav.http.service import Service


def work(
    bound: Sequence[Bound], service: Service, on_ready: Callable[[], None], load: Load | None = None
) -> None:
    """Serve on the sockets until SIGTERM (or SIGINT, where nothing else catches it)."""
    application = service.make_application()
    server = Server(application, bound, service, load)
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
