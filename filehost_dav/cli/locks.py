"""`filehost-dav locks`: what clients hold locked."""

from __future__ import annotations

import click

from filehost_dav.cli.output import as_time, json_option, print_rows
from filehost_dav.cli.place import Place, names_of, place_options
from filehost_dav.errors import NotFound
from filehost_dav.paths import FilePath
from filehost_dav.state.locks import Lock, LockStore


@click.group("locks")
def command() -> None:
    """Locks that clients hold: a document that is open, or one whose program died."""


@command.command("list")
@click.argument("user", required=False)
@json_option
@place_options
def show(place: Place, user: str | None, as_json: bool) -> None:
    """List the locks on the files of USER, or of everybody."""
    with place.records() as records:
        locks = LockStore(records.database)
        rows = [
            {
                "user": name,
                "path": str(lock.path),
                "scope": "exclusive" if lock.exclusive else "shared",
                "depth": "infinity" if lock.deep else "0",
                "held_by": lock.principal,
                "expires": lock.expires,
                "token": lock.token,
            }
            for name in names_of(records, user)
            for lock in _all(locks, name)
        ]
    print_rows(rows, as_json=as_json, empty="Nothing is locked", expires=as_time)


@command.command("break")
@click.argument("user")
@click.argument("path")
@place_options
def break_locks(place: Place, user: str, path: str) -> None:
    """Break the locks on PATH in the files of USER. Who held them can no longer save there."""
    with place.records() as records:
        locks, name, where = LockStore(records.database), records.users.get(user).name, FilePath.parse(path)
        held = locks.at(name, where)
        if not held:
            raise NotFound(f"{where} is not locked")
        for lock in held:
            locks.release(name, lock.token)
    click.echo(f"{where} is no longer locked")


def _all(locks: LockStore, name: str) -> list[Lock]:
    root = FilePath.root()
    found = {lock.token: lock for lock in (*locks.at(name, root), *locks.below(name, root))}
    return sorted(found.values(), key=lambda lock: lock.path)
