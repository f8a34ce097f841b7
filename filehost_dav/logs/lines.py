"""Lines: how values become one line that nobody can forge, and how it reaches standard output.

What a client chose is quoted as JSON, control characters included, so a name with a line break
stays inside its line. A line is written whole, by one call, so lines of several processes do not mix.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

# Printable ASCII that needs no quotes in `key=value`.
_BARE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-+@:")
SHAPES: Final = ("terminal", "plain", "json")


def shape_of(wanted: str) -> str:
    """One of SHAPES: what is wanted, or for `auto` what suits standard output."""
    if wanted != "auto":
        return wanted
    return "terminal" if sys.stdout.isatty() else "plain"


def as_json(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False)


def as_pairs(fields: Mapping[str, object]) -> str:
    """`key=value` pairs."""
    return " ".join(f"{key}={quoted(value)}" for key, value in fields.items())


def quoted(value: object) -> str:
    """As it is where nobody can misread it, else as a JSON string."""
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    return text if text and _BARE.issuperset(text) else json.dumps(text, ensure_ascii=False)


def instant(seconds: float) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    return f"{_whole_second(int(seconds))}.{int(seconds * 1000) % 1000:03d}Z"


@lru_cache(maxsize=4)
def _whole_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def clock_time(seconds: float) -> str:
    """For people watching, in local time."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def write(line: str) -> None:
    """To standard output. A reader that went away (a closed pipe) must not fail a request."""
    try:
        os.write(1, line.encode("utf-8", "backslashreplace") + b"\n")
    except OSError:
        return
