"""Custody of the records: a look at their health, and a copy while the server runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from filehost_dav.errors import Unavailable

RECORDS = "state.sqlite3"  # the name of the file, in a data folder and in a backup


def faults(file: Path) -> list[str]:
    """What SQLite finds wrong in its own structure; empty when nothing is."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found = [str(line) for (line,) in connection.execute("PRAGMA quick_check(10)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def copy_records(file: Path, target: Path) -> None:
    """A consistent copy of the records, replacing `target` when it is whole. Raises Unavailable."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(partial)) as copied:
            source.backup(copied)
            copied.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError as error:
        partial.unlink(missing_ok=True)
        raise Unavailable(f"The records cannot be copied: {error}") from error
    partial.chmod(0o600)
    partial.replace(target)
