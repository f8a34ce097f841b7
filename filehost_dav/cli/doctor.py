"""`filehost-dav doctor`: a report to attach to a question. It holds no secret."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata

import click

from filehost_dav import __version__
from filehost_dav.checkup import look_at_machine
from filehost_dav.cli.place import Place, place_options
from filehost_dav.config import Config
from filehost_dav.config.loading import sections
from filehost_dav.config.setting import SECRET, settings_of
from filehost_dav.errors import ConfigError
from filehost_dav.records import has_records

_LIBRARIES = (
    "wsgidav", "cheroot", "libpass", "argon2-cffi", "click", "defusedxml", "cryptography", "psycopg", "obstore",
    "boto3", "segno", "joserfc", "ldap3",
)  # fmt: skip
_PASSWORD = re.compile(r"(?<=:)[^:@/]*(?=@)")


@click.command("doctor")
@place_options
def command(place: Place) -> None:
    """Print a report about this installation: versions, settings that differ from the defaults, the machine."""
    for line in _report(place):
        click.echo(line)


def _report(place: Place) -> Iterator[str]:
    yield f"Filehost DAV {__version__}"
    yield f"Python {sys.version.split()[0]} on {platform.platform()}, {os.cpu_count()} processors"
    yield "Libraries: " + ", ".join(_versions())
    try:
        config = place.settings()
    except ConfigError as error:
        yield "Settings that cannot be used:"
        yield from (f"  {_PASSWORD.sub('***', problem)}" for problem in error.problems)
        return
    changed = list(_changed(config))
    yield "Settings: " + ("all as by default" if not changed else "")
    yield from (f"  {line}" for line in changed)
    yield "Machine:"
    for remark in look_at_machine(config):
        yield f"  {remark.level}: {remark.about}: {remark.message}"
    yield "Records: " + ("yes" if has_records(config) else "none yet")


def _versions() -> Iterator[str]:
    for name in _LIBRARIES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            yield f"{name} -"


def _changed(config: Config) -> Iterator[str]:
    defaults = Config()
    for name, section in sections():
        for setting in settings_of(section):
            value = getattr(getattr(config, name), setting.name)
            if value != getattr(getattr(defaults, name), setting.name):
                shown = "***" if setting.kind == SECRET else _PASSWORD.sub("***", str(value))
                yield f"{name}.{setting.name} = {shown}"
