"""Scrubbing: whether what is on the disk is still what was stored, by the checksums of that time.

A file without a checksum that holds gets one now, so that its next scrub can tell.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from filehost_dav.storage.local.checking import place_in, printable
from filehost_dav.storage.local.disk import TRASH, VERSIONS, Disk
from filehost_dav.storage.local.folders import RESERVED, Folder
from filehost_dav.storage.local.kernel import status_of
from filehost_dav.storage.local.record import Record, read_record, write_record

_BLOCK = 1024 * 1024
_OWN = "sha1"  # made where there is none
_STRONGEST_FIRST = ("sha512", "sha256", "sha1", "md5")


class Scrubbed(NamedTuple):
    """One file that was read. `outcome`: good, rotten, recorded (had no checksum), unreadable, busy."""

    user: str
    place: str
    size: int
    outcome: str


def scrub(disk: Disk) -> Iterator[Scrubbed]:
    """Read all files of a user, those in trash and versions too."""
    for corner in ("files", "staging", TRASH, VERSIONS):
        with disk.corner(corner) as folder:
            yield from _scrub_below(disk, folder, place_in(corner))


def record_checksum(disk: Disk, file: int, make: Callable[[int, str], str] | None = None) -> str:
    """Make the checksum of an open file and keep it with the file; 'busy' when it changed meanwhile."""
    before = status_of(file)
    digest = (make or digest_of)(file, _OWN)
    # Under the lock, so that no change of the record meanwhile is undone.
    with disk.ledger.locked():
        after = status_of(file)
        if (after.size, after.modified) != (before.size, before.modified):
            return "busy"
        record = read_record(file)
        sums = {**record.sums_of(after), _OWN: digest}
        write_record(file, _with_sums(record, after.size, after.modified, sums))
    return "recorded"


def digest_of(file: int, algorithm: str, *, after_block: Callable[[], object] = lambda: None) -> str:
    """The checksum of an open file, in hex. `after_block` is called every MiB. Raises OSError."""
    made = hashlib.new(algorithm, usedforsecurity=False)
    with os.fdopen(os.dup(file), "rb", buffering=0) as reading:
        reading.seek(0)
        while block := reading.read(_BLOCK):
            made.update(block)
            after_block()
    return made.hexdigest()


def _scrub_below(disk: Disk, folder: Folder, above: str) -> Iterator[Scrubbed]:
    for name, status in folder.members():
        if name.startswith(RESERVED):
            continue
        place = f"{above}/{printable(name)}"
        try:
            if status.is_folder:
                with folder.folder(name) as inner:
                    yield from _scrub_below(disk, inner, place)
            else:
                yield Scrubbed(disk.user, place, status.size, _scrub_file(disk, folder, name))
        except FileNotFoundError:
            continue
        except OSError:
            yield Scrubbed(disk.user, place, status.size, "unreadable")


def _scrub_file(disk: Disk, folder: Folder, name: str) -> str:
    file = folder.open_file(name)
    try:
        before = status_of(file)
        sums = read_record(file).sums_of(before)
        known = next((kind for kind in _STRONGEST_FIRST if kind in sums), None)
        if known is None:
            return record_checksum(disk, file)
        if digest_of(file, known) == sums[known]:
            return "good"
        after = status_of(file)
        return "rotten" if (after.size, after.modified) == (before.size, before.modified) else "busy"
    finally:
        os.close(file)


def _with_sums(record: Record, size: int, modified: int, sums: dict[str, str]) -> Record:
    holds = (record.size, record.modified) == (size, modified)
    return record._replace(size=size, modified=modified, sums=sums, etag=record.etag if holds else "")
