"""Memory: what a secret has proven, remembered for minutes so that it is not proven at each request.

Only a digest under a key of this run is kept, in this process's memory; the key is never stored.
Whenever the records have changed, what is remembered is confirmed anew before it counts.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

_MOST: Final = 10_000  # secrets per process

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Value]):
    value: Value
    expires: float
    generation: int | None


class Memory(Generic[Value]):
    """Values by secret. `generation` is the records'; `clock` and `seconds` are in seconds."""

    def __init__(
        self, *, key: bytes, generation: Callable[[], int | None], clock: Callable[[], float], seconds: int
    ) -> None:
        self._key = key
        self._generation = generation
        self._clock = clock
        self._seconds = seconds
        self._kept: OrderedDict[bytes, _Kept[Value]] = OrderedDict()
        self._lock = threading.Lock()
        self._turns = tuple(threading.Lock() for _ in range(256))

    def recall(self, secret: str, confirm: Callable[[Value], Value | None]) -> Value | None:
        """What this secret has proven. `confirm` gives it as the records have it now, None if it is over."""
        digest = self._digest(secret)
        kept = self._kept.get(digest)
        if kept is None or kept.expires <= self._clock():
            return None
        generation = self._generation()
        if generation is not None and generation == kept.generation:
            return kept.value
        value = confirm(kept.value)
        with self._lock:
            if value is None:
                self._kept.pop(digest, None)
            else:
                self._kept[digest] = replace(kept, value=value, generation=generation)
        return value

    def keep(self, secret: str, value: Value) -> None:
        """To be confirmed at its first recall: the records may have changed while it was proven."""
        with self._lock:
            self._kept[self._digest(secret)] = _Kept(value, self._clock() + self._seconds, None)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def turn(self, secret: str) -> threading.Lock:
        """A lock for who proves this secret: eight connections of one client cost one hash, not eight."""
        return self._turns[self._digest(secret)[0]]

    def _digest(self, secret: str) -> bytes:
        return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()
