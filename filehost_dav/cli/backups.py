"""`filehost-dav backup`, `restore` and `export`: everything to another folder, and back."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

import click

from filehost_dav.cli.output import as_size
from filehost_dav.cli.place import Place, become_owner, hand_over, place_options
from filehost_dav.config import Config
from filehost_dav.errors import Exists, FilehostError, NotFound
from filehost_dav.records import has_records, local_storage, open_storage
from filehost_dav.state.custody import RECORDS, copy_records
from filehost_dav.storage.local import custody
from filehost_dav.storage.local.mirroring import Copied
from filehost_dav.storage.transfer import Moved, export_tree

_BUCKET: Final = "Now save the bucket, with its engine's tools: this order makes them fit"
_folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("target", type=_folder)
@place_options
def backup(place: Place, target: Path) -> None:
    """Copy everything to the folder TARGET, while the server runs.

    Done again, only what changed is copied. A server can be started on the copy as it is. Of a server whose
    files are in a bucket the records are copied, which tell all files' names and contents.
    """
    config = _here(place.settings())
    if not has_records(config):
        raise NotFound(f"There is no server's data in {config.storage.data}")
    hand_over(target, config.storage.data)
    become_owner(config.storage.data)
    if config.storage.kind == "object":
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy_records(config.storage.data / RECORDS, target / RECORDS)
        click.echo(f"The records are in {target}. {_BUCKET}")
        return
    storage = local_storage(config, lambda _: None)
    try:
        _report(custody.backup(storage, target), "copied")
    finally:
        storage.close()
    copy_records(config.storage.data / RECORDS, target / RECORDS)
    click.echo(f"The backup in {target} is whole")


@click.command()
@click.argument("source", type=_folder)
@place_options
def restore(place: Place, source: Path) -> None:
    """Fill an empty data folder from the backup in SOURCE, while no server runs."""
    config = _here(place.settings())
    if has_records(config):
        raise Exists(f"There is a server's data in {config.storage.data} already; restore into an empty folder")
    if not (source / RECORDS).is_file():
        raise NotFound(f"There is no backup in {source}")
    hand_over(config.storage.data, source)
    config.storage.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    become_owner(config.storage.data)
    if config.storage.kind == "object":
        copy_records(source / RECORDS, config.storage.data / RECORDS)
        click.echo("The records are back; filehost-dav check compares them with the bucket")
        return
    _report(custody.restore(source, config.storage.data), "restored")
    copy_records(source / RECORDS, config.storage.data / RECORDS)
    storage = local_storage(config, lambda _: None)
    for _ in custody.repair(storage):
        pass  # the figures are counted anew
    storage.close()
    click.echo(f"The data in {config.storage.data} is whole")


@click.command()
@click.argument("user")
@click.argument("target", type=_folder)
@place_options
def export(place: Place, user: str, target: Path) -> None:
    """Copy all files of USER to the folder TARGET as plain files; of local storage trash and versions too."""
    config = place.settings()
    hand_over(target, config.storage.data)
    with place.records() as records:
        name = records.users.get(user).name
        if config.storage.kind == "object":
            with closing(open_storage(config, records)) as objects:
                _report(export_tree(objects.tree(name), target), "copied")
            return
    storage = local_storage(config, lambda _: None)
    try:
        _report(custody.export(storage, name, target), "copied")
    finally:
        storage.close()


def _here(config: Config) -> Config:
    if config.database.url:
        raise FilehostError(
            "The records are in PostgreSQL: save them with pg_dump, then the bucket or the files with the "
            "tools of where they are (docs/growing.md)"
        )
    return config


def _report(copied: Iterable[Copied] | Iterable[Moved], done: str) -> None:
    files = size = 0
    for file in copied:
        files += 1
        size += file.size
    click.echo(f"{files} files {done}, {as_size(size)}")
