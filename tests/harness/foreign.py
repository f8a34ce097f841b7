"""The whole application under waitress, a WSGI server that knows nothing of us.

python -m harness.foreign serve --data DIR --port 0
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
from typing import Any

from waitress.server import create_server

from filehost_dav.app import application
from filehost_dav.config import load
from filehost_dav.logs import events


def main() -> None:
    """Serve until SIGTERM, and say so as `filehost-dav serve` does."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("serve")
    arguments.add_argument("--data")
    arguments.add_argument("--port")
    given = arguments.parse_args()
    config = load(None, os.environ, {"storage.data": given.data, "server.port": given.port})
    events.begin("plain")
    app = application(config, secrets.token_bytes(32))
    server: Any = create_server(app, host="127.0.0.1", port=config.server.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print(f"Listening on http://127.0.0.1:{server.effective_port}/", flush=True)
    server.run()  # returns on SystemExit
    app.close()


if __name__ == "__main__":
    main()
