"""`filehost-dav user`: accounts. A password comes by prompt or on standard input, never as an argument."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from filehost_dav.accounts.htpasswd import read_htpasswd
from filehost_dav.accounts.passwords import NO_PASSWORD
from filehost_dav.accounts.users import User
from filehost_dav.cli.output import as_size, json_option, print_rows
from filehost_dav.cli.password import read_password
from filehost_dav.cli.place import Place, place_options
from filehost_dav.config import quantities
from filehost_dav.errors import FilehostError
from filehost_dav.records import open_storage


@click.group("user")
def command() -> None:
    """Add, change and remove users."""


def _quota(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None or value.casefold() == "none" else quantities.size(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _extensions(_context: click.Context, _option: click.Parameter, value: str | None) -> frozenset[str] | None:
    if value is None:
        return None
    return frozenset(word.lstrip(".").casefold() for word in value.replace(",", " ").split())


_quota_option = click.option(
    "--quota",
    metavar="SIZE",
    callback=_quota,
    help="Room for this user's files, such as 10GiB; none for the default.",
)
_extensions_option = click.option(
    "--extensions",
    metavar="LIST",
    callback=_extensions,
    help="Types this user may store: txt,pdf; * for any; default for the server's list.",
)


@command.command()
@click.argument("name")
@_quota_option
@_extensions_option
@click.option("--no-password", is_flag=True, help="A directory, a provider or a proxy says who this is.")
@place_options
def add(
    place: Place, name: str, quota: int | None, extensions: frozenset[str] | None, no_password: bool
) -> None:
    """Add the user NAME.

    The password is asked for, or read from standard input when that is no terminal.
    """
    with place.new_records() as records:
        records.users.check_new(name)
        password = NO_PASSWORD if no_password else records.passwords.hash(read_password(confirm=True))
        records.users.add(User(name, quota=quota, extensions=extensions), password)
    click.echo(f"User {name} added")


@command.command()
@click.argument("name")
@place_options
def passwd(place: Place, name: str) -> None:
    """Change the password of the user NAME.

    The new one counts at once: whoever is signed in with the old one is signed out. App passwords
    stay as they are.
    """
    with place.records() as records:
        records.users.get(name)
        records.users.set_password(name, records.passwords.hash(read_password(confirm=True)))
        records.throttle.clear(name)  # whoever forgot the old one need not wait with the new one
    click.echo(f"Password of {name} changed")


@command.command("set")
@click.argument("name")
@_quota_option
@_extensions_option
@place_options
@click.pass_context
def change(
    context: click.Context, place: Place, name: str, quota: int | None, extensions: frozenset[str] | None
) -> None:
    """Change the quota or the file types of the user NAME."""
    given = click.core.ParameterSource.COMMANDLINE
    with place.records() as records:
        if context.get_parameter_source("quota") is given:
            records.users.set_quota(name, quota)
        if context.get_parameter_source("extensions") is given:
            records.users.set_extensions(name, None if extensions == _DEFAULT else extensions)
        user = records.users.get(name)
    click.echo(f"User {name}: quota {as_size(user.quota)}, types {_types(user.extensions)}")


@command.command("list")
@json_option
@place_options
def show(place: Place, as_json: bool) -> None:
    """List all users."""
    with place.records() as records:
        rows = [
            {
                "name": user.name,
                "disabled": user.disabled,
                "quota": user.quota,
                "extensions": None if user.extensions is None else sorted(user.extensions),
                "codes": user.codes,
            }
            for user in records.users.list()
        ]
    print_rows(rows, as_json=as_json, empty="There are no users", quota=as_size, extensions=_types)


@command.command()
@click.argument("name")
@place_options
def disable(place: Place, name: str) -> None:
    """Keep the user NAME out, at once; files and settings stay."""
    with place.records() as records:
        records.users.disable(name)
    click.echo(f"User {name} disabled")


@command.command()
@click.argument("name")
@place_options
def enable(place: Place, name: str) -> None:
    """Let the user NAME in again."""
    with place.records() as records:
        records.users.enable(name)
        records.throttle.clear(name)  # its programs went on trying meanwhile
    click.echo(f"User {name} enabled")


@command.command("codes-off")
@click.argument("name")
@place_options
def codes_off(place: Place, name: str) -> None:
    """Ask the user NAME for no more codes at sign-in: the telephone and the recovery codes are lost.

    The password stays, and opens drives again. The user can set up codes anew on the account page.
    """
    with place.records() as records:
        records.codes.end(records.users.get(name).name)
    click.echo(f"{name} signs in without a code")


@command.command()
@click.argument("name")
@click.option("--delete-files", is_flag=True, help="Delete the user's files too, for good.")
@place_options
def remove(place: Place, name: str, delete_files: bool) -> None:
    """Remove the user NAME. The files stay where they are, unless told otherwise."""
    config = place.settings()
    with place.records() as records:
        records.users.remove(name)
        if delete_files:
            storage = open_storage(config, records)
            storage.remove(name)
            storage.close()
    kept = config.storage.data / "files" / name
    click.echo(f"User {name} removed" + (" with all files" if delete_files else f"; the files are in {kept}"))


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@place_options
def import_file(place: Place, file: Path) -> None:
    """Add the users of the Apache password FILE (htpasswd).

    The passwords stay the same; their hashes are replaced by stronger ones as people sign in. Users
    that exist already are left alone.
    """
    left = 0
    with place.new_records() as records:
        for entry in read_htpasswd(file.read_bytes()):
            try:
                if not records.passwords.knows(entry.password):
                    raise FilehostError("the password is not hashed in a way that is safe to keep")
                records.users.add(User(entry.name), entry.password)
            except FilehostError as error:
                left += 1
                click.echo(f"{file}:{entry.line}: {entry.name!r} left out: {error.message}", err=True)
            else:
                click.echo(f"User {entry.name} added")
    if left:
        raise click.ClickException(f"{left} left out")


_DEFAULT = frozenset({"default"})


def _types(extensions: Iterable[str] | None) -> str:
    return "-" if extensions is None else ",".join(sorted(extensions)) or "none"
