"""`filehost-dav user`: accounts. A password comes by prompt or on standard input, never as an argument."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from filehost_dav.accounts.users import User
from filehost_dav.app import open_records
from filehost_dav.cli.place import place_options, settings
from filehost_dav.config import quantities


@click.group("user")
def command() -> None:
    """Add, change and remove users."""


def _quota(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None or value.casefold() == "none" else quantities.size(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@command.command()
@click.argument("name")
@click.option("--quota", metavar="SIZE", callback=_quota, help="Room for this user's files, such as 10GiB.")
@click.option("--extensions", metavar="LIST", help="Types this user may store: txt,pdf or * for any.")
@place_options
def add(name: str, quota: int | None, extensions: str | None, config: Path | None, data: str | None) -> None:
    """Add the user NAME."""
    records = open_records(settings(config, data))
    records.users.add(
        User(name, quota=quota, extensions=_extensions(extensions)), records.passwords.hash(_password())
    )
    click.echo(f"User {name} added")


@command.command()
@click.argument("name")
@place_options
def passwd(name: str, config: Path | None, data: str | None) -> None:
    """Change the password of the user NAME."""
    records = open_records(settings(config, data))
    records.users.set_password(name, records.passwords.hash(_password()))
    click.echo(f"Password of {name} changed")


def _extensions(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    return frozenset(word.lstrip(".").casefold() for word in text.replace(",", " ").split())


def _password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("A password is needed, on standard input or at the prompt")
    return password
