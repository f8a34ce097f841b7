"""`filehost-dav rollback`: back to the records from before an upgrade, for the older program."""

from __future__ import annotations

import click

from filehost_dav.cli.place import Place, become_owner, place_options
from filehost_dav.errors import FilehostError
from filehost_dav.state.custody import RECORDS
from filehost_dav.state.schema import STEPS
from filehost_dav.state.upgrade import go_back


@click.command("rollback")
@place_options
def command(place: Place) -> None:
    """Go back to the records from before an upgrade, with the older version installed and no server running.

    Files stay as they are. What changed in the records since the upgrade (users, passwords, properties) is
    undone; the newer records are kept beside them.
    """
    config = place.settings()
    if config.database.url or config.storage.kind != "local":
        raise FilehostError(
            "This is for files and records on this machine. Elsewhere the names of files are in the records, "
            "too: restore the database from a backup that was made before the upgrade"
        )
    become_owner(config.storage.data)
    newer = go_back(config.storage.data / RECORDS, len(STEPS))
    click.echo(f"The records are as they were before the upgrade; those of step {newer} are kept beside them")
