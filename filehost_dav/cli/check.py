"""`filehost-dav check`: exit code 0 when all is well, 1 when something is wrong, 78 when the settings are."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from filehost_dav.checkup import GOOD, NOTE, PROBLEM, Remark, look_at_database, look_at_machine, look_at_records
from filehost_dav.cli.password import read_password
from filehost_dav.cli.place import Place, become_owner, place_options
from filehost_dav.config import Config
from filehost_dav.records import has_records, local_storage, open_records

if TYPE_CHECKING:
    from filehost_dav.state.database import Database
    from filehost_dav.storage.local import LocalStorage

_CHORES: Final = ("orphan", "doomed", "usage")  # what a running server clears by itself
_COLOURS: Final = {GOOD: "green", NOTE: "yellow", PROBLEM: "red"}


@click.command("check")
@click.option("--repair", is_flag=True, help="Mend what needs no decision. No document is ever deleted.")
@click.option("--checksums", is_flag=True, help="Read every file and compare it with its checksum. Takes long.")
@click.option("--url", help="Check a running server from outside instead, with all that stands before it.")
@click.option("--user", help="With --url: a user to try with; the password is asked for or read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@place_options
def command(
    place: Place, repair: bool, checksums: bool, url: str | None, user: str | None, as_json: bool
) -> None:
    """Check configuration, folders, permissions, records, files, and show the limits in force.

    A server may be running meanwhile.
    """
    if url is None:
        found = _remarks(place.settings(), repair=repair, checksums=checksums)
    else:
        found = _seen_from_outside(url, user)
    remarks = []
    for remark in found:
        remarks.append(remark)
        if not as_json:
            click.echo(f"{click.style(remark.level.rjust(7), fg=_COLOURS[remark.level])}  {_line(remark)}")
    if as_json:
        click.echo(json.dumps([asdict(remark) for remark in remarks], ensure_ascii=False, indent=2))
    if any(remark.level == PROBLEM for remark in remarks):
        sys.exit(1)


def _seen_from_outside(url: str, user: str | None) -> Iterator[Remark]:
    from filehost_dav.probe import Visitor, probe  # noqa: PLC0415 - this option alone needs it

    return probe(Visitor(url, user or "", read_password() if user else ""))


def _line(remark: Remark) -> str:
    return f"{remark.about}: {remark.message}"


def _remarks(config: Config, *, repair: bool, checksums: bool) -> Iterator[Remark]:
    yield Remark(GOOD, "settings", "No mistakes")
    become_owner(config.storage.data)
    yield from look_at_machine(config)
    if not has_records(config):
        return
    database = list(look_at_database(config))
    yield from database
    if any(remark.level == PROBLEM for remark in database):
        return
    records = open_records(config)
    try:
        yield from look_at_records(config, records)
        if config.storage.kind == "object":
            yield from _objects(config, records.database, repair=repair, checksums=checksums)
    finally:
        records.close()
    if config.storage.kind == "local":
        storage = local_storage(config, lambda _: None)
        try:
            yield from _files(storage, repair=repair)
            if checksums:
                yield from _contents(storage)
        finally:
            storage.close()


def _objects(config: Config, database: Database, *, repair: bool, checksums: bool) -> Iterator[Remark]:
    from filehost_dav.engines import open_blobs  # noqa: PLC0415 - only of object storage
    from filehost_dav.storage.object.checking import Checker  # noqa: PLC0415
    from filehost_dav.storage.object.identity import confirm  # noqa: PLC0415

    blobs = open_blobs(config)
    confirm(database, blobs)
    checker = Checker(database, blobs, time.time_ns)
    count = read = 0
    for finding in checker.repair() if repair else checker.inspect():
        count += 1
        done = " (mended)" if finding.mended else ""
        about = f"files of {finding.user}" if finding.user else "bucket"
        yield Remark(NOTE if finding.mended else PROBLEM, about, f"{finding.place}: {finding.message}{done}")
    if not count:
        yield Remark(GOOD, "files", "Every file has its content in the bucket, and the figures are right")
    for scrubbed in checker.scrub() if checksums else ():
        read += 1
        for finding in scrubbed.findings:
            yield Remark(PROBLEM, f"files of {finding.user}", f"{finding.place}: {finding.message}")
    if checksums:
        yield Remark(GOOD, "checksums", f"{read} contents read")


def _files(storage: LocalStorage, *, repair: bool) -> Iterator[Remark]:
    from filehost_dav.storage.local import custody  # noqa: PLC0415 - only of local storage

    count = 0
    for finding in custody.repair(storage) if repair else custody.inspect(storage):
        count += 1
        level = NOTE if finding.mended or finding.kind in _CHORES else PROBLEM
        done = " (mended)" if finding.mended else ""
        yield Remark(level, f"files of {finding.user}", f"{finding.place}: {finding.message}{done}")
    if not count:
        yield Remark(GOOD, "files", "Every name can be served, and the figures are right")


def _contents(storage: LocalStorage) -> Iterator[Remark]:
    from filehost_dav.storage.local import custody  # noqa: PLC0415

    wrong = {"rotten": "is not what was stored", "unreadable": "cannot be read"}
    read = new = 0
    for file in custody.scrub_all(storage):
        read += 1
        new += file.outcome == "recorded"
        if file.outcome in wrong:
            yield Remark(PROBLEM, f"files of {file.user}", f"{file.place} {wrong[file.outcome]}")
    yield Remark(GOOD, "checksums", f"{read} files read, of which {new} had none yet and have one now")
