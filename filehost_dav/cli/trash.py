"""`filehost-dav trash`: what users deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from filehost_dav.cli.output import as_size, as_time, json_option, print_rows
from filehost_dav.cli.place import Place, place_options
from filehost_dav.paths import FilePath
from filehost_dav.records import home_of, open_storage

if TYPE_CHECKING:
    from filehost_dav.storage.home import Home


@click.group("trash")
def command() -> None:
    """What users deleted, and what they replaced by a folder or another file's move."""


@command.command("list")
@click.argument("user")
@json_option
@place_options
def show(place: Place, user: str, as_json: bool) -> None:
    """List the trash of USER, the newest first."""
    with _home(place, user) as home:
        rows = [
            {
                "id": item.id,
                "path": str(item.origin),
                "folder": item.entry.is_folder,
                "size": item.size,
                "deleted": item.deleted / 1e9,
            }
            for item in home.trash()
        ]
    print_rows(rows, as_json=as_json, empty=f"The trash of {user} is empty", size=as_size, deleted=as_time)


@command.command()
@click.argument("user")
@click.argument("item")
@click.option("--to", metavar="PATH", help="Where to put it; where it was if not given.")
@place_options
def restore(place: Place, user: str, item: str, to: str | None) -> None:
    """Bring the ITEM (its id in the list) of USER back. Nothing is overwritten."""
    with _home(place, user) as home:
        restored = home.restore(item, FilePath.parse(to) if to else None)
    click.echo(f"Restored as {restored.entry.path}")


@command.command()
@click.argument("user")
@click.argument("item", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything in the user's trash.")
@place_options
def purge(place: Place, user: str, item: str | None, everything: bool) -> None:
    """Delete the ITEM (its id in the list) of USER for good."""
    if everything is (item is not None):
        raise click.UsageError("Say which item to delete for good, or --all")
    with _home(place, user) as home:
        items = [item] if item else [found.id for found in home.trash()]
        for found in items:
            home.purge(found)
    click.echo(f"{len(items)} deleted for good")


@contextmanager
def _home(place: Place, user: str) -> Iterator[Home]:
    config = place.settings()
    with place.records() as records:
        found = records.users.get(user)
        storage = open_storage(config, records)
        try:
            yield home_of(config, storage, found)
        finally:
            storage.close()
