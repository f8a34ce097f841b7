"""The whole application under waitress, a WSGI server that knows nothing of us.

python -m harness.foreign serve --data DIR --port 0
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any

from waitress.server import create_server

from filehost_dav.wsgi import make


def main() -> None:
    """Serve until SIGTERM, and say so as `filehost-dav serve` does."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("serve")
    arguments.add_argument("--data")
    arguments.add_argument("--port")
    given = arguments.parse_args()
    app = make({"storage.data": given.data})
    server: Any = create_server(app, host="127.0.0.1", port=int(given.port))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print(f"Listening on http://127.0.0.1:{server.effective_port}/", flush=True)
    server.run()  # returns on SystemExit


if __name__ == "__main__":
    main()
