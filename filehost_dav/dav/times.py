"""Times on the wire: HTTP dates and X-OC-Mtime, from and to nanoseconds since the epoch."""

from __future__ import annotations

import re
from email.utils import formatdate
from functools import lru_cache
from typing import Final

_MTIME: Final = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,9})?")


def http_date(nanoseconds: int) -> str:
    """An HTTP date (RFC 9110 5.6.7), whole seconds, rounded down."""
    return _http_date(nanoseconds // 10**9)


def oc_mtime(value: str) -> int | None:
    """X-OC-Mtime, seconds since the epoch with an optional fraction, in nanoseconds; None when it is no number.

    Clients that send nonsense expect it to be ignored, not refused.
    """
    value = value.strip()
    if not _MTIME.fullmatch(value):
        return None
    whole, _, fraction = value.partition(".")
    sign = -1 if whole.startswith("-") else 1
    return sign * (abs(int(whole)) * 10**9 + int((fraction + "0" * 9)[:9]))


@lru_cache(maxsize=4096)
def _http_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
