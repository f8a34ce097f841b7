"""What the operator decided, as values."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

DAY = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what was deleted or replaced is kept, in nanoseconds. None: until room is needed.

    Of the versions of a file, all are kept for `versions_all`, then the last of each day for
    `versions_daily`. `versions_most` limits all versions of one user, in bytes.
    """

    trash: int | None = 30 * DAY
    versions_all: int = DAY
    versions_daily: int | None = 30 * DAY
    versions_most: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Sizes in bytes: `quota` gives a user's, None without one; `largest` limits one file; `floor` is
    what stays free on the disk. `durability` is 'none', 'data' or 'full'. Without `retention`, what is
    deleted or replaced is gone. `clock` gives nanoseconds.
    """

    quota: Callable[[str], int | None]
    durability: str = "data"
    largest: int | None = None
    floor: int = 0
    retention: Retention | None = field(default=Retention())
    clock: Callable[[], int] = time.time_ns

    @property
    def keeps(self) -> bool:
        """Whether what is deleted or replaced is kept at all."""
        return self.retention is not None

    @property
    def syncs_data(self) -> bool:
        return self.durability != "none"

    @property
    def syncs_all(self) -> bool:
        return self.durability == "full"
