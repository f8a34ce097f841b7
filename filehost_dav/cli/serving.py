"""`filehost-dav serve`: the server in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from filehost_dav.app import application, open_parts
from filehost_dav.cli.place import place_options, settings


@click.command("serve")
@click.option("--host", metavar="H", help="Address to listen on.")
@click.option("--port", metavar="N", help="Port to listen on; 0 takes a free one.")
@place_options
def command(host: str | None, port: str | None, config: Path | None, data: str | None) -> None:
    """Serve files until stopped by Ctrl-C or SIGTERM."""
    parts = open_parts(settings(config, data, server__host=host, server__port=port))
    from cheroot.wsgi import Server  # noqa: PLC0415

    server = Server((parts.config.server.host, parts.config.server.port), application(parts))
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        server.prepare()
        host, port = server.bind_addr[:2]
        click.echo(f"Listening on http://{host}:{port}/")
        server.serve()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        parts.close()
