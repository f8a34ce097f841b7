"""`filehost-dav app-password`: one password per device."""

from __future__ import annotations

import time

import click

from filehost_dav.cli.output import as_time, json_option, print_rows
from filehost_dav.cli.place import Place, place_options
from filehost_dav.config import quantities
from filehost_dav.errors import BadPath
from filehost_dav.paths import FilePath


@click.group("app-password")
def command() -> None:
    """One password per device, so that a lost one costs one password and not the account."""


def _expires(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else int(time.time()) + quantities.duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _folder(_context: click.Context, _option: click.Parameter, value: str | None) -> FilePath | None:
    try:
        return None if value is None else FilePath.parse(value)
    except BadPath as error:
        raise click.BadParameter(error.message) from error


@command.command()
@click.argument("user")
@click.argument("device")
@click.option("--read-only", is_flag=True, help="It may read only.")
@click.option("--folder", metavar="PATH", callback=_folder, help="It opens this folder only, such as /Scans.")
@click.option("--expires", metavar="TIME", callback=_expires, help="How long it holds, such as 90d.")
@place_options
def add(
    place: Place, user: str, device: str, read_only: bool, folder: FilePath | None, expires: int | None
) -> None:
    """Make a password of USER for DEVICE, and print it: it cannot be shown again.

    It is the password beside the user's name, or a Bearer token alone.
    """
    with place.records() as records:
        secret = records.app_passwords.add(
            records.users.get(user).name, device, read_only=read_only, folder=folder, expires=expires
        )
    click.echo(secret)


@command.command("list")
@click.argument("user")
@json_option
@place_options
def show(place: Place, user: str, as_json: bool) -> None:
    """List the app passwords of USER."""
    with place.records() as records:
        rows = [
            {
                "device": found.name,
                "id": found.id,
                "read_only": found.read_only,
                "folder": str(found.folder) if found.folder else None,
                "created": found.created,
                "expires": found.expires,
                "last_used": found.used,
                "from": found.used_from,
            }
            for found in records.app_passwords.of(records.users.get(user).name)
        ]
    print_rows(
        rows,
        as_json=as_json,
        empty=f"{user} has no app passwords",
        created=as_time,
        expires=as_time,
        last_used=as_time,
    )


@command.command()
@click.argument("user")
@click.argument("device")
@place_options
def revoke(place: Place, user: str, device: str) -> None:
    """End the password of USER for DEVICE (its name or id), at once."""
    with place.records() as records:
        records.app_passwords.revoke(records.users.get(user).name, device)
    click.echo(f"The password of {user} for {device} is revoked")
