"""Where a command works: the options --config and --data that all commands have."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from filehost_dav.config import Config, load

Command = Callable[..., Any]


def place_options(command: Command) -> Command:
    """Add --config and --data; the command gets them as `config` and `data`."""
    config = click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="FILEHOST_CONFIG",
        show_envvar=True,
        help="Configuration file (TOML).",
    )
    data = click.option("--data", metavar="DIR", help="Folder for everything the server keeps.")
    return config(data(command))


def settings(config: Path | None, data: str | None, **options: object) -> Config:
    """The configuration from file, environment and command line (`server__port` is server.port).

    Raises ConfigError.
    """
    named = {key.replace("__", "."): value for key, value in options.items()}
    return load(config, os.environ, {"storage.data": data, **named})
