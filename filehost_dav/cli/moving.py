"""`filehost-dav migrate`, `import` and `rebuild`: files and records into another storage or database."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from filehost_dav.cli.output import as_size
from filehost_dav.cli.place import Place, place_options
from filehost_dav.config import Config
from filehost_dav.engines import open_blobs, open_database
from filehost_dav.records import home_of, open_storage
from filehost_dav.state.custody import RECORDS
from filehost_dav.state.moving import move_records
from filehost_dav.storage.transfer import Moved, copy_tree, import_tree

_SHOWN = 20  # files between two looks at the progress
_folder = click.Path(file_okay=False, exists=True, path_type=Path)


@click.command()
@click.option("--to", "kind", type=click.Choice(["object", "local"]), required=True, help="Where to.")
@place_options
def migrate(place: Place, kind: str) -> None:
    """Copy all users' files to the other kind of storage, while the server runs.

    Done again, only what changed is copied: run it until nothing is left to copy, stop the server, run it a
    last time, change storage.kind, and start the server. What was copied is read back and compared.
    """
    config = place.settings()
    source_kind = "local" if kind == "object" else "object"
    with (
        place.records() as records,
        closing(open_storage(_of_kind(config, source_kind), records)) as source,
        closing(open_storage(_of_kind(config, kind), records)) as target,
    ):
        for user in records.users.list():
            _report(user.name, copy_tree(source.tree(user.name), target.tree(user.name)))
    click.echo(f'When nothing is copied any more: stop the server, set storage.kind = "{kind}", and start it')


@click.command("migrate-records")
@place_options
def records(place: Place) -> None:
    """Copy the records (users, locks, properties, the tree) from the data folder to the empty PostgreSQL
    that database.url names, while no server runs.
    """
    config = place.settings()
    if not config.database.url:
        raise click.UsageError("Say where to: set database.url")
    file = config.storage.data / RECORDS
    if not file.exists():
        raise click.ClickException(f"There are no records in {config.storage.data}")
    without = replace(config, database=replace(config.database, url=""))
    with closing(open_database(without, file)) as source, closing(open_database(config, file)) as target:
        for table, rows in move_records(source, target):
            if rows:
                click.echo(f"{table}: {rows} rows")


@click.command("import")
@click.argument("user")
@click.argument("source", type=_folder)
@place_options
def import_(place: Place, user: str, source: Path) -> None:
    """Take the files below the folder SOURCE into the files of USER. What may not be stored is refused."""
    config = place.settings()
    with place.records() as records:
        found = records.users.get(user)
        with closing(open_storage(config, records)) as storage:
            _report(user, import_tree(source, home_of(config, storage, found)))


@click.command()
@place_options
def rebuild(place: Place) -> None:
    """Make the records of all files anew from the bucket alone, in a database that has none.

    Files come back under their names with their times, and with the properties that the last manifest has;
    trash, versions and accounts do not.
    """
    from filehost_dav.storage.object import identity, manifest  # noqa: PLC0415 - only of object storage

    config = place.settings()
    with place.new_records() as records:
        blobs = open_blobs(config)
        identity.adopt(records.database, blobs)
        found = Counter(
            (file.user, file.size) for file in manifest.rebuild(records.database, blobs, time.time_ns)
        )
    files = sum(found.values())
    size = sum(size * count for (_, size), count in found.items())
    click.echo(f"{files} files of {len({user for user, _ in found})} users, {as_size(size)}")


def _of_kind(config: Config, kind: str) -> Config:
    return replace(config, storage=replace(config.storage, kind=kind))


def _report(user: str, moved: Iterable[Moved]) -> None:
    counts: Counter[str] = Counter()
    size = 0
    on_terminal = sys.stderr.isatty()
    for number, file in enumerate(moved, 1):
        counts[file.outcome] += 1
        if on_terminal and number % _SHOWN == 0:
            click.echo(f"\r{user}: {number} files, {as_size(size)} copied ", nl=False, err=True)
        size += file.size if file.outcome == "copied" else 0
        if file.outcome == "refused":
            click.echo(f"{user}: {file.place} is refused", err=True)
    if on_terminal:
        click.echo("\r", nl=False, err=True)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no files"
    click.echo(f"{user}: {told} ({as_size(size)})")
