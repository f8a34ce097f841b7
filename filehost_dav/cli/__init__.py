"""The command `filehost-dav`."""

from filehost_dav.cli.command import main

__all__ = ["main"]
