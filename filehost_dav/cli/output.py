"""Output: rows as a table for people, or as JSON for scripts.

JSON holds sizes in bytes and times in seconds since the epoch; a table shows both as people read them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from filehost_dav.config.quantities import size_for_people

Row = Mapping[str, Any]
Show = Callable[[Any], str]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def print_rows(rows: Sequence[Row], *, as_json: bool, empty: str, **shown: Show) -> None:
    """One line per row under a heading; `shown` says how a column is written. `empty` is said when none is."""
    if as_json:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    columns = list(rows[0])
    lines = [[shown.get(column, as_text)(row[column]) for column in columns] for row in rows]
    headings = [column.replace("_", " ").upper() for column in columns]
    widths = [max(map(len, cells)) for cells in zip(headings, *lines, strict=True)]
    click.secho(_line(headings, widths), bold=True)
    for line in lines:
        click.echo(_line(line, widths))


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else _printable(str(value))


def as_size(count: int | None) -> str:
    return "-" if count is None else size_for_people(count)


def as_time(seconds: float | None) -> str:
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _printable(text: str) -> str:
    # A file's name could hold an escape sequence that a terminal obeys.
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
