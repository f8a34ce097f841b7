"""`filehost-dav bans`: who must wait after failed sign-ins."""

from __future__ import annotations

import click

from filehost_dav.cli.output import as_time, json_option, print_rows
from filehost_dav.cli.place import Place, place_options


@click.group("bans")
def command() -> None:
    """Who must wait after failed sign-ins. Whoever is signed in already is never made to wait."""


@command.command("list")
@json_option
@place_options
def show(place: Place, as_json: bool) -> None:
    """List who must wait, and until when."""
    with place.records() as records:
        rows = [
            {"who": ban.subject, "failures": ban.failures, "last": ban.last, "until": ban.until}
            for ban in records.throttle.bans()
        ]
    print_rows(rows, as_json=as_json, empty="Nobody has to wait", last=as_time, until=as_time)


@command.command()
@click.argument("who", required=False)
@click.option("--all", "everybody", is_flag=True, help="Forget all failures.")
@place_options
def clear(place: Place, who: str | None, everybody: bool) -> None:
    """Forget the failures of WHO: a user's name, an address, or a network as listed."""
    if everybody is (who is not None):
        raise click.UsageError("Say whose failures to forget, or --all")
    with place.records() as records:
        dropped = records.throttle.clear(who)
    click.echo(f"{dropped} counts of failures forgotten")
