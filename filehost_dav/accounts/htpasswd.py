"""Apache password files: `name:hash` lines, as htpasswd writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A user of the file; `password` is a hash of whatever kind."""

    line: int
    name: str
    password: str


def read_htpasswd(content: bytes) -> Iterator[Entry]:
    """The users, in order. Comments and empty lines are passed over; names are UTF-8, or Latin-1."""
    for number, line in enumerate(content.splitlines(), 1):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError:
            text = line.decode("latin-1").strip()
        if text and not text.startswith("#"):
            name, _, password = text.partition(":")
            yield Entry(number, name, password.partition(":")[0])
