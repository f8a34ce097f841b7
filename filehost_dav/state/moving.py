"""Moving the records from one database to another, such as from SQLite to PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from filehost_dav.errors import Exists
from filehost_dav.state.database import Database, Transaction
from filehost_dav.state.schema import STEPS, migrate

_NAME: Final = re.compile(r"CREATE TABLE (\w+)")
_AT_ONCE: Final = 1000


def move_records(source: Database, target: Database) -> Iterator[tuple[str, int]]:
    """Copy all tables into a database that holds none of them yet; each with the number of its rows.

    Both are brought to the newest step first. All or nothing. Raises Exists, ConfigError, Unavailable.
    """
    migrate(source)
    migrate(target)
    with target.transaction() as rows:
        for table in tables():
            if rows.query(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - a name of our schema
                raise Exists("The database to move to is not empty")
        for table in tables():
            yield table, _copy(source, rows, table)
        for name, value in source.query("SELECT name, value FROM meta WHERE name <> 'schema'"):
            rows.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (name, value))


def tables() -> tuple[str, ...]:
    """The tables of the records, but for the one that describes the database itself."""
    return tuple(_NAME.findall("\n".join(statement for step in STEPS for statement in step)))


def _copy(source: Database, target: Transaction, table: str) -> int:
    rows = source.query(f"SELECT * FROM {table}")  # noqa: S608 - a name of our schema
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        for start in range(0, len(rows), _AT_ONCE):
            target.execute_many(f"INSERT INTO {table} VALUES ({marks})", rows[start : start + _AT_ONCE])  # noqa: S608
    return len(rows)
