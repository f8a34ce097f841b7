"""Mirrors of whole folders: backup, restore and export.

A mirror holds the same files under the same names, with times to the microsecond and with records that
keep each file's id and tag, so that versions, tags and sync clients find after a restore what they knew.
Making a mirror anew copies only what has changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from filehost_dav.storage.local.checking import printable
from filehost_dav.storage.local.copying import copy_bytes
from filehost_dav.storage.local.folders import RESERVED, Folder, remove_tree
from filehost_dav.storage.local.kernel import status_of
from filehost_dav.storage.local.record import NOTHING, read_record, write_record
from filehost_dav.storage.local.status import Status
from filehost_dav.storage.local.trash import JOURNAL

_PARTIAL = RESERVED + "partial"


class Copied(NamedTuple):
    """A file that was brought up to date in the mirror. `size` in bytes."""

    place: str
    size: int


def mirror(source: Folder, target: Folder, above: str = "") -> Iterator[Copied]:
    """Make `target` hold what `source` holds. Raises OSError."""
    present = set[str]()
    for name, status in source.members():
        if name.startswith(RESERVED) and name != JOURNAL:
            continue
        present.add(name)
        place = f"{above}/{printable(name)}"
        try:
            if status.is_folder:
                yield from _mirror_folder(source, target, name, status, place)
            elif _mirror_file(source, target, name):
                yield Copied(place, status.size)
        except FileNotFoundError:
            # Moved or deleted meanwhile; the next pass sees where it is now.
            present.discard(name)
    for name in target.names():
        if name not in present:
            remove_tree(target, name)


def _mirror_folder(source: Folder, target: Folder, name: str, status: Status, place: str) -> Iterator[Copied]:
    made = target.status(name)
    if made is None or not made.is_folder:
        remove_tree(target, name)
        target.make_folder(name)
    with source.folder(name) as inner, target.folder(name) as inner_target:
        yield from mirror(inner, inner_target, place)
    target.set_modified(name, status.modified)


def _mirror_file(source: Folder, target: Folder, name: str) -> bool:
    """Whether it had to be copied."""
    original = source.open_file(name)
    try:
        status = status_of(original)
        record = read_record(original)
        modified = status.modified - status.modified % 1_000
        wanted = record.about(status, modified=modified)._replace(id=record.id_of(status))
        if _holds(target, name, status.size, modified, wanted.id):
            return False
        remove_tree(target, _PARTIAL)
        copied = target.create(_PARTIAL)
        try:
            copy_bytes(original, copied)
            if status_of(copied).size == status.size:
                write_record(copied, wanted)
            os.fsync(copied)
        finally:
            os.close(copied)
        target.set_modified(_PARTIAL, modified)
        remove_tree(target, name)
        target.rename(_PARTIAL, target, name)
    finally:
        os.close(original)
    return True


def _holds(target: Folder, name: str, size: int, modified: int, identity: str) -> bool:
    status = target.status(name)
    if status is None or not status.is_file or (status.size, status.modified) != (size, modified):
        return False
    file = target.open_file(name)
    try:
        record = read_record(file)
    finally:
        os.close(file)
    return record == NOTHING or record.id == identity
