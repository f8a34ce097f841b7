"""Sizes and durations as people write them: `10 GiB`, `30 d`, `none`.

A size is in bytes, a duration in seconds; both are whole numbers. `KB` is 1000 bytes and `KiB` is
1024, as the standard has it, so that nobody's quota is 7 % off.
"""

from __future__ import annotations

import re
from typing import Final

SIZES: Final = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
DURATIONS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400}

_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", re.ASCII)
_SIZES_FOLDED = {unit.casefold(): factor for unit, factor in SIZES.items()}


def size(text: str) -> int:
    """Bytes. A number alone is bytes. Raises ValueError with a sentence."""
    return _quantity(text, {"": 1, **_SIZES_FOLDED}, "a size is a number and a unit, such as 500 MB or 10 GiB")


def duration(text: str) -> int:
    """Seconds. A number alone is seconds. Raises ValueError with a sentence."""
    return _quantity(
        text, {"": 1, **DURATIONS}, "a duration is a number and a unit, such as 30 s, 5 min, 12 h or 90 d"
    )


def size_as_text(count: int) -> str:
    """The shortest way to write exactly this size."""
    return _as_text(
        count, {unit: factor for unit, factor in SIZES.items() if unit.endswith("iB") or unit == "B"}
    )


def size_for_people(count: int) -> str:
    """About this size, in the unit that suits it."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if count >= SIZES[unit]:
            return f"{count / SIZES[unit]:.1f} {unit}"
    return f"{count} B"


def duration_as_text(seconds: int) -> str:
    """The shortest way to write exactly this duration."""
    return _as_text(seconds, DURATIONS)


def _quantity(text: str, units: dict[str, int], meaning: str) -> int:
    found = _QUANTITY.fullmatch(text)
    factor = units.get(found[2].casefold()) if found else None
    if found is None or factor is None:
        raise ValueError(meaning)
    return round(float(found[1]) * factor) if "." in found[1] else int(found[1]) * factor


def _as_text(number: int, units: dict[str, int]) -> str:
    unit, factor = max(
        ((unit, factor) for unit, factor in units.items() if number % factor == 0 and (number or factor == 1)),
        key=lambda pair: pair[1],
    )
    return f"{number // factor} {unit}"
