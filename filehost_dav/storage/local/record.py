"""A file's record: what its status alone cannot say, kept in one extended attribute as readable text.

It travels with the file through renames and backups that keep attributes. `id` is the file's id from
before it was overwritten; `lineage` names other ids whose earlier versions are this file's too.
`etag` and the checksums are only valid while size and modification time are those recorded, so that
a change made behind our back is never mistaken for the recorded content.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from filehost_dav.storage.local.status import Status

ATTRIBUTE = "user.filehost"
_SUM = "sum-"


@dataclass(frozen=True, slots=True)
class Record:
    """All parts may be empty. `etag` without quotes; `sums` is algorithm → hex."""

    id: str = ""
    lineage: tuple[str, ...] = ()
    size: int = -1
    modified: int = -1
    etag: str = ""
    sums: Mapping[str, str] = field(default_factory=dict)

    def holds_for(self, status: Status) -> bool:
        """Whether the content is still the one that was recorded."""
        return self.modified == status.modified and (status.is_folder or self.size == status.size)

    def etag_of(self, status: Status) -> str:
        return f'"{self.etag}"' if self.etag and self.holds_for(status) else status.etag

    def id_of(self, status: Status) -> str:
        return self.id or status.id

    def sums_of(self, status: Status) -> Mapping[str, str]:
        return self.sums if self.holds_for(status) else {}

    def lineage_of(self, status: Status) -> tuple[str, ...]:
        """The ids under which earlier versions of this file are kept."""
        return (self.id_of(status), *self.lineage)

    def about(self, status: Status, *, modified: int) -> Record:
        """The same facts for the same content after its modification time is set."""
        return replace(
            self,
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
    words = {
        "id": record.id,
        "lineage": ",".join(record.lineage),
        "size": str(record.size),
        "modified": str(record.modified),
        "etag": record.etag,
        **{_SUM + name: digest for name, digest in record.sums.items()},
    }
    return " ".join(f"{key}={value}" for key, value in words.items() if value)


def _parse(text: str) -> Record:
    words = dict(word.partition("=")[::2] for word in text.split(" "))
    try:
        return Record(
            id=words.get("id", ""),
            lineage=tuple(filter(None, words.get("lineage", "").split(","))),
            size=int(words.get("size", -1)),
            modified=int(words.get("modified", -1)),
            etag=words.get("etag", ""),
            sums={key[len(_SUM) :]: value for key, value in words.items() if key.startswith(_SUM)},
        )
    except ValueError:
        return NOTHING
