"""Failures: every error of the program as an answer of the page: a status and a sentence."""

from __future__ import annotations

from typing import Final

from filehost_dav.errors import (
    BadBody,
    BadPath,
    ChecksumMismatch,
    ConditionFailed,
    Exists,
    FilehostError,
    Full,
    IntoItself,
    IsAFolder,
    Locked,
    NotAFolder,
    NotFound,
    ParentMissing,
    QuotaExceeded,
    Refused,
    SignInRefused,
    Throttled,
    TooLarge,
    Truncated,
    Unavailable,
)

STATUSES: Final[dict[type[FilehostError], int]] = {
    BadPath: 400,
    Refused: 403,
    NotFound: 404,
    NotAFolder: 409,
    IsAFolder: 409,
    Exists: 409,
    ParentMissing: 409,
    IntoItself: 409,
    Locked: 423,
    ConditionFailed: 412,
    TooLarge: 413,
    Truncated: 400,
    BadBody: 400,
    ChecksumMismatch: 400,
    QuotaExceeded: 507,
    Full: 507,
    Unavailable: 503,
    SignInRefused: 403,
    Throttled: 429,
}


def status_of(error: FilehostError) -> int:
    return STATUSES.get(type(error), 500)


def rule_of(error: FilehostError) -> str:
    """The short name of what stood in the way: a rule of the policy, or the kind of error."""
    return getattr(error, "rule", "") or type(error).__name__


def headers_of(error: FilehostError) -> tuple[tuple[str, str], ...]:
    """When to try again, where the error says so."""
    seconds = getattr(error, "retry_after", None)
    return () if seconds is None else (("Retry-After", str(seconds)),)
