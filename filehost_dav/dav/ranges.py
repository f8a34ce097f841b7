"""Ranges: which bytes of a file a GET asks for (RFC 9110 section 14).

A Range header that is malformed, of another unit, or greedy is ignored, which the RFC allows: the
answer is then the whole file. Cost is linear in the length of the header, which is capped.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MOST: Final = 16  # ranges answered in one response; more are a mistake or an attack
_LONGEST: Final = 512  # characters of a header that is looked at
_SPEC: Final = re.compile(r"[ \t]*(?:([0-9]{1,19})-([0-9]{1,19})?|-([0-9]{1,19}))[ \t]*")


class ByteRange(NamedTuple):
    """Bytes `start` to `end`, the end not included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def parse_ranges(header: str, size: int) -> list[ByteRange] | None:
    """The satisfiable ranges in the order asked for; empty when none is (416); None: send it all.

    Overlapping ranges whose sum is larger than the file are answered with the whole file (14.2).
    """
    unit, equals, specs = header[: _LONGEST + 1].partition("=")
    if not equals or unit.strip().lower() != "bytes" or len(header) > _LONGEST:
        return None
    pieces = [piece for piece in specs.split(",") if piece.strip()]
    if not 0 < len(pieces) <= MOST:
        return None
    found: list[ByteRange] = []
    for piece in pieces:
        match = _SPEC.fullmatch(piece)
        if match is None:
            return None
        first, last, suffix = match.groups()
        if first is not None and last is not None and int(last) < int(first):
            return None
        one = _range(first, last, suffix, size)
        if one is not None:
            found.append(one)
    return None if len(found) > 1 and sum(one.length for one in found) > size else found


def _range(first: str | None, last: str | None, suffix: str | None, size: int) -> ByteRange | None:
    """One satisfiable range, or None. `-0` and what begins past the end are not satisfiable."""
    if first is None:
        length = min(int(suffix or 0), size)
        return ByteRange(size - length, size) if length else None
    start = int(first)
    end = size if last is None else min(int(last) + 1, size)
    return ByteRange(start, end) if start < size else None
