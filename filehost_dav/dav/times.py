"""Points of time on the wire, from and to nanoseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400  # seconds
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST, _LAST = date.min.toordinal() - _EPOCH, date.max.toordinal() - _EPOCH  # the days that have a name
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MTIME: Final = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,9})?")


def http_date(moment: int) -> str:
    """`Tue, 15 Nov 1994 12:45:26 GMT` (RFC 9110 5.6.7): whole seconds, rounded down."""
    day, second = divmod(moment // _SECOND, _DAY)
    return f"{_http_day(day)}{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} GMT"


def iso_date(moment: int) -> str:
    """`1994-11-15T12:45:26Z` (RFC 3339): whole seconds, rounded down."""
    day, second = divmod(moment // _SECOND, _DAY)
    return f"{_iso_day(day)}{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def oc_mtime(value: str) -> int | None:
    """X-OC-Mtime, seconds since the epoch with an optional fraction, in nanoseconds; None when it is no number.

    Clients that send nonsense expect it to be ignored, not refused.
    """
    value = value.strip()
    if not _MTIME.fullmatch(value):
        return None
    whole, _, fraction = value.partition(".")
    sign = -1 if whole.startswith("-") else 1
    return sign * (abs(int(whole)) * _SECOND + int((fraction + "0" * 9)[:9]))


def moment_of(text: str) -> int | None:
    """The moment that a property of time means, written as seconds since the epoch, as an HTTP date or as an
    RFC 3339 date, all of which clients send; None when it is none.
    """
    text = text.strip()
    moment = oc_mtime(text)
    if moment is not None:
        return moment
    try:
        when = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return int(when.timestamp()) * _SECOND + when.microsecond * 1000
    except (ValueError, OverflowError, TypeError):
        return None


@lru_cache(maxsize=1024)
def _http_day(day: int) -> str:
    when = _date(day)
    return f"{_WEEKDAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year:04} "


@lru_cache(maxsize=1024)
def _iso_day(day: int) -> str:
    return _date(day).isoformat() + "T"


def _date(day: int) -> date:
    # A file may have any time; what no calendar can name is shown as the nearest that it can.
    return date.fromordinal(min(max(day, _FIRST), _LAST) + _EPOCH)
