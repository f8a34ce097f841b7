"""Memory that would be taken although nothing uses it.

The C library (glibc; elsewhere nothing is done) keeps what was freed, and gives each of many threads a heap
of its own: what the many threads of a worker leave behind would add up. And Python's collector writes into
each object that it looks at: what a worker shares with its parent would be copied for it.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

_ARENA_MAX: Final = -8  # M_ARENA_MAX of <malloc.h>


def share_one_heap() -> None:
    """From now on all threads of this process, and of those forked from it, use one heap."""
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


def keep_shared() -> None:
    """What there is now is looked at a last time; processes that are forked from now on share it for good."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return free memory to the system. Takes a millisecond or so, and does not hold Python up."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None  # musl has no such thing
