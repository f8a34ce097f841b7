"""Extras: what the records add to a folder and its members, namely dead properties and locks.

Most listings have none, and then the templates do all the work. What was found is a value, so that a
remembered listing can be compared with today's records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from filehost_dav.state.locks import Lock
from filehost_dav.state.properties import Values

_NO_VALUES: Final[Values] = {}


@dataclass(frozen=True, slots=True)
class Extras:
    """`own` and `covering` are the resource's own dead properties and the locks it is under; `dead` and
    `locks` those rooted at its members, by name.
    """

    own: Values
    covering: Sequence[Lock]
    dead: Mapping[str, Values]
    locks: Mapping[str, Sequence[Lock]]

    @property
    def inherited(self) -> Sequence[Lock]:
        """The locks that every member is under."""
        return [lock for lock in self.covering if lock.deep]

    def have_locks(self) -> bool:
        """Locks may end by time alone, which leaves no trace in the records' generation."""
        return bool(self.covering or self.locks)

    def names(self) -> frozenset[str]:
        """The members that have something of their own."""
        return frozenset(self.dead).union(self.locks)

    def values_of(self, name: str) -> Values:
        return self.dead.get(name, _NO_VALUES)

    def locks_of(self, name: str) -> Sequence[Lock]:
        return [*self.inherited, *self.locks.get(name, ())]


NONE: Final = Extras(_NO_VALUES, (), {}, {})
