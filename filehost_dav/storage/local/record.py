"""A file's record: what its status alone cannot say, kept in one extended attribute as readable text.

It travels with the file through renames and backups that keep attributes. `id` is the file's id from
before it was overwritten; `lineage` names other ids whose earlier versions are this file's too.
`etag` and the checksums are only valid while size and modification time are those recorded, so that
a change made behind our back is never mistaken for the recorded content.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from filehost_dav.storage.local.status import Status

ATTRIBUTE = "user.filehost"
_FORMAT = "1"
_NONE = "-"


class Record(NamedTuple):
    """All parts may be empty. `etag` is without quotes; `sums` is algorithm → hex."""

    id: str = ""
    lineage: tuple[str, ...] = ()
    size: int = -1
    modified: int = -1
    etag: str = ""
    sums: Mapping[str, str] = {}

    def holds_for(self, status: Status) -> bool:
        """Whether the content is still the one that was recorded."""
        return self.modified == status.modified and (self.size == status.size or status.is_folder)

    def etag_of(self, status: Status) -> str:
        return f'"{self.etag}"' if self.etag and self.holds_for(status) else status.etag

    def id_of(self, status: Status) -> str:
        return self.id or status.id

    def sums_of(self, status: Status) -> Mapping[str, str]:
        return self.sums if self.holds_for(status) else {}

    def lineage_of(self, status: Status) -> tuple[str, ...]:
        """The ids under which earlier versions of this file are kept; its own comes first."""
        return (self.id_of(status), *self.lineage)

    def about(self, status: Status, *, modified: int) -> Record:
        """The same facts for the same content after its modification time is set."""
        return self._replace(
            size=status.size,
            modified=modified,
            etag=self.etag_of(status).strip('"'),
            sums=self.sums_of(status),
        )


NOTHING = Record()


def read_record(file: int) -> Record:
    """The record of an open file or folder; an empty one where there is none or it cannot be read."""
    if not hasattr(os, "getxattr"):
        return NOTHING
    try:
        return _parse(os.getxattr(file, ATTRIBUTE).decode("ascii", "replace"))
    except OSError:
        return NOTHING


def write_record(file: int, record: Record) -> bool:
    """Keep `record` with the file; False where the file system cannot."""
    if not hasattr(os, "setxattr"):
        return False
    try:
        os.setxattr(file, ATTRIBUTE, _text(record).encode("ascii"))
    except OSError:
        return False
    return True


def _text(record: Record) -> str:
    identity, lineage, size, modified, etag, sums = record
    branches = ",".join(lineage) or _NONE
    made = ",".join(f"{name}={digest}" for name, digest in sums.items()) or _NONE
    return f"{_FORMAT} {identity or _NONE} {branches} {size} {modified} {etag or _NONE} {made}"


def _parse(text: str) -> Record:
    try:
        form, identity, branches, size, modified, etag, made = text.split(" ")
        if form != _FORMAT:
            return NOTHING
        return Record(
            "" if identity == _NONE else identity,
            () if branches == _NONE else tuple(branches.split(",")),
            int(size),
            int(modified),
            "" if etag == _NONE else etag,
            {} if made == _NONE else dict(_pair(word) for word in made.split(",")),
        )
    except ValueError:
        return NOTHING


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value
