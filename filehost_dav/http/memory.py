"""Memory that the C library keeps for itself although nothing uses it (glibc; elsewhere nothing is done).

It gives each of many threads a heap of its own, and the many threads of a worker come and go: what each
leaves behind would add up.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_ARENA_MAX: Final = -8  # M_ARENA_MAX of <malloc.h>


def share_one_heap() -> None:
    """From now on all threads of this process, and of those forked from it, use one heap."""
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return free memory to the system. Takes a millisecond or so, and does not hold Python up."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None  # musl has no such thing
