"""Upgrades of records in a file: a copy before the first step, and the way back to it.

The copy lies beside the records, named by the last step that it has seen. Only the latest is kept.
"""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from filehost_dav.errors import NotFound, Unavailable
from filehost_dav.state.custody import copy_records


def copy_of_step(file: Path, step: int) -> Path:
    """Where the records are kept as they were at that step."""
    return file.with_name(f"{file.name}.step-{step}")


def keep_copy(file: Path, step: int) -> None:
    """Keep the records, which are at `step`, before the next. Raises Unavailable: then no next may follow."""
    kept = copy_of_step(file, step)
    begun = file.with_name(f"{file.name}.keeping-{secrets.token_hex(4)}")
    copy_records(file, begun)
    if step_of(begun) != step:  # another process was faster, and has kept it
        begun.unlink()
        return
    begun.replace(kept)
    for other in file.parent.glob(f"{file.name}.step-*"):
        if other != kept:
            other.unlink(missing_ok=True)


def go_back(file: Path, step: int) -> int:
    """Put the records of `step` in place of newer ones, which are kept as a copy; the step those had seen.

    Raises NotFound when there is no copy of that step, Unavailable while a server uses the records.
    """
    kept = copy_of_step(file, step)
    if not kept.is_file():
        raise NotFound(f"There are no records from before an upgrade: {kept} is missing")
    _be_alone_with(file)
    newer = step_of(file)
    copy_records(file, copy_of_step(file, newer))
    copy_records(kept, file)
    return newer


def step_of(file: Path) -> int:
    """The last step that records in a file have seen; 0 where there is none. Raises Unavailable."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    except sqlite3.DatabaseError as error:
        if "no such table" in str(error):
            return 0
        raise Unavailable(f"The server's records cannot be opened: {error}") from error
    return int(row[0]) if row else 0


def _be_alone_with(file: Path) -> None:
    """Fold what is written beside the file into it, which SQLite does for nobody who is not alone."""
    try:
        with closing(sqlite3.connect(file, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise Unavailable("A server or a command is using the records: stop it first") from error
