"""`filehost-dav sessions`: browsers that are signed in."""

from __future__ import annotations

import click

from filehost_dav.cli.output import as_time, json_option, print_rows
from filehost_dav.cli.place import Place, names_of, place_options


@click.group("sessions")
def command() -> None:
    """Browsers that are signed in."""


@command.command("list")
@click.argument("user", required=False)
@json_option
@place_options
def show(place: Place, user: str | None, as_json: bool) -> None:
    """List the sessions of USER, or of everybody."""
    with place.records() as records:
        rows = [
            {
                "user": session.user,
                "id": session.id,
                "since": session.created,
                "last_used": session.seen,
                "from": session.address,
                "browser": session.agent,
            }
            for name in names_of(records, user)
            for session in records.sessions.of(name)
        ]
    print_rows(rows, as_json=as_json, empty="No browser is signed in", since=as_time, last_used=as_time)


@command.command()
@click.argument("user")
@click.argument("session", required=False)
@click.option("--all", "everything", is_flag=True, help="Every browser of this user.")
@place_options
def revoke(place: Place, user: str, session: str | None, everything: bool) -> None:
    """Sign a browser of USER out: the SESSION with that id, or --all."""
    if everything is (session is not None):
        raise click.UsageError("Say which session to end, or --all")
    with place.records() as records:
        name = records.users.get(user).name
        if session is None:
            records.sessions.revoke_all(name)
        else:
            records.sessions.revoke(name, session)
    click.echo(f"{user} is signed out" + ("" if session else " everywhere"))
