"""Everything that can go wrong, as one small tree.

No HTTP lives here: the protocol maps each class to a status, a reason phrase and an XML
condition in one table of its own. A message is a sentence for the person at the other end;
it never holds a real path of the server, a key or a stack.
"""

from __future__ import annotations

from collections.abc import Sequence


class FilehostError(Exception):
    """Base of all errors this program raises on purpose. Never raised itself."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadPath(FilehostError):
    """A string that cannot name a place. `rule` is the short name of the rule it breaks."""

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class Refused(FilehostError):
    """The policy does not allow this name, type or content. `rule` is the rule's short name."""

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class NotFound(FilehostError):
    """Nothing is at that path."""


class NotAFolder(FilehostError):
    """A folder was needed where a file is."""


class IsAFolder(FilehostError):
    """A file was needed where a folder is."""


class Exists(FilehostError):
    """Something is already at that path (MKCOL, restoring from the trash)."""


class ParentMissing(FilehostError):
    """The folder that should hold the new resource does not exist."""


class IntoItself(FilehostError):
    """A folder cannot be copied or moved onto itself or below itself."""


class Locked(FilehostError):
    """A lock stands in the way. `paths` are the lock roots, as the user's own paths."""

    def __init__(self, message: str, paths: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.paths = tuple(paths)


class ConditionFailed(FilehostError):
    """A precondition of the request does not hold (at the start, or at the commit)."""


class TooLarge(FilehostError):
    """One file is larger than the largest allowed. `limit` is in bytes."""

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class Truncated(FilehostError):
    """The body ended before its announced end. Whatever arrived is discarded."""


class BadBody(FilehostError):
    """The body is not framed, or not made, as its headers promise."""


class ChecksumMismatch(FilehostError):
    """The bytes that arrived do not have the checksum that was announced."""


class QuotaExceeded(FilehostError):
    """The user has no room left."""


class Full(FilehostError):
    """The server's own disk has no room left."""


class Unavailable(FilehostError):
    """A part the server needs does not answer. `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: int = 10) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SignInRefused(FilehostError):
    """Unknown user, wrong password or disabled account: which of them is never said."""


class Throttled(FilehostError):
    """Too many failed sign-ins. `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ConfigError(FilehostError):
    """The configuration cannot be used. `problems` are whole lines: where, what, the fix."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
