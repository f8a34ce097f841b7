"""Place: where a command works, from the options --config and --data that all commands have."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from filehost_dav.config import Config, load
from filehost_dav.errors import NotFound
from filehost_dav.records import Records, has_records, open_records

Command = Callable[..., Any]
INSTALLED: Final = Path("/etc/filehost-dav/filehost.toml")  # of the system's service


@dataclass(frozen=True, slots=True)
class Place:
    """The configuration file and the data folder, as given; None where not given."""

    config: Path | None
    data: str | None

    def settings(self, **options: object) -> Config:
        """From file, environment and command line (`server__port` is server.port). Raises ConfigError.

        Without either option the service's own file counts, where one is installed: who types
        `filehost-dav user add` on a server means that service.
        """
        file = self.config
        if file is None and self.data is None and INSTALLED.is_file():
            file = INSTALLED
        named = {key.replace("__", "."): value for key, value in options.items()}
        return load(file, os.environ, {"storage.data": self.data, **named})

    @contextmanager
    def records(self) -> Iterator[Records]:
        """The records that are there. Raises NotFound: a mistyped folder must not become a new server."""
        config = self.settings()
        if not has_records(config):
            raise NotFound(
                f"There is no server's data in {config.storage.data}. "
                "Name its folder with --data, or its configuration with --config"
            )
        with self._open(config) as records:
            yield records

    @contextmanager
    def new_records(self) -> Iterator[Records]:
        """The records, made where there are none yet."""
        with self._open(self.settings()) as records:
            yield records

    @contextmanager
    def _open(self, config: Config) -> Iterator[Records]:
        become_owner(config.storage.data)
        records = open_records(config)
        try:
            yield records
        finally:
            records.close()


def place_options(command: Command) -> Command:
    """Add --config and --data; the command gets them as one Place."""

    @click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="FILEHOST_CONFIG",
        show_envvar=True,
        help="Configuration file (TOML).",
    )
    @click.option("--data", metavar="DIR", help="Folder for everything the server keeps.")
    @functools.wraps(command)
    def with_place(*, config: Path | None, data: str | None, **given: Any) -> Any:
        return command(Place(config, data), **given)

    return with_place


def names_of(records: Records, user: str | None) -> list[str]:
    """The user who is named, or everybody. Raises NotFound."""
    return [records.users.get(user).name] if user else [found.name for found in records.users.list()]


def become_owner(folder: Path) -> None:
    """Root becomes the owner of the data, so that nothing is left there which the service cannot touch."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not folder.exists():
        return
    owner = folder.stat()
    if owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def hand_over(target: Path, folder: Path) -> None:
    """Root makes a missing `target` and gives it to the owner of `folder`, who is to write there."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or target.exists() or not folder.exists():
        return
    target.mkdir(parents=True, mode=0o700)
    owner = folder.stat()
    os.chown(target, owner.st_uid, owner.st_gid)
