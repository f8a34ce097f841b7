"""`filehost-dav status`: what there is, in numbers."""

from __future__ import annotations

import json
import shutil
import time

import click

from filehost_dav import __version__
from filehost_dav.cli.output import as_size, json_option, print_rows
from filehost_dav.cli.place import Place, place_options
from filehost_dav.records import Records, home_of, open_storage


@click.command("status")
@json_option
@place_options
def command(place: Place, as_json: bool) -> None:
    """Show users, room, locks, sessions and who must wait."""
    config = place.settings()
    with place.records() as records:
        storage = open_storage(config, records)
        users = []
        for user in records.users.list():
            usage = home_of(config, storage, user).usage()
            users.append({"user": user.name, "used": usage.used, "quota": usage.limit})
        storage.close()
        numbers = _numbers(records)
    numbers["free"] = shutil.disk_usage(config.storage.data).free
    if as_json:
        click.echo(json.dumps({"version": __version__, **numbers, "users": users}, indent=2))
        return
    click.echo(f"Filehost DAV {__version__}, data in {config.storage.data.resolve()}")
    click.echo(
        f"{as_size(numbers['free'])} free on the disk; {numbers['locks']} locks; "
        f"{numbers['sessions']} browsers signed in; {numbers['waiting']} must wait after failed sign-ins\n"
    )
    print_rows(users, as_json=False, empty="There are no users", used=as_size, quota=as_size)


def _numbers(records: Records) -> dict[str, int]:
    database, now = records.database, int(time.time())
    (locks,) = database.query("SELECT count(*) FROM lock WHERE expires > ?", (now,))[0]
    sessions = sum(len(records.sessions.of(user.name)) for user in records.users.list())
    return {"locks": locks, "sessions": sessions, "waiting": len(records.throttle.bans())}
