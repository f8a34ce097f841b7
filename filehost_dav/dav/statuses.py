"""The one table from errors to HTTP: status, reason phrase, Sabre exception name, DAV condition.

The reason phrase is user interface (gvfs, LibreOffice, rclone print it), so it is short, fixed and
ASCII. The body carries the sentence for people in the shape that sync clients, rclone and Joplin look
for, with exactly these prefixes: `<s:exception>` and `<s:message>` beside the RFC 4918 condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Final, NamedTuple

from filehost_dav import errors
from filehost_dav.dav.answer import INERT, XML, Answer, Headers
from filehost_dav.dav.options import FILE, FOLDER
from filehost_dav.paths import FilePath


class Row(NamedTuple):
    """`exception` without Sabre's prefix; `condition` is the name of an element in the DAV: namespace."""

    status: int
    phrase: str
    exception: str
    condition: str = ""


TABLE: Final[Mapping[type[errors.FilehostError], Row]] = {
    errors.BadPath: Row(403, "Name not allowed", "Forbidden"),
    errors.Refused: Row(403, "Name not allowed", "Forbidden"),
    errors.NotFound: Row(404, "Not Found", "NotFound"),
    errors.NotAFolder: Row(409, "Not a folder", "Conflict"),
    errors.IsAFolder: Row(405, "Method Not Allowed", "MethodNotAllowed"),
    errors.Exists: Row(405, "Already exists", "MethodNotAllowed"),
    errors.ParentMissing: Row(409, "Folder missing", "Conflict"),
    errors.IntoItself: Row(403, "Source and destination overlap", "Forbidden"),
    errors.Locked: Row(423, "Locked", "Locked", "lock-token-submitted"),
    errors.ConditionFailed: Row(412, "Precondition Failed", "PreconditionFailed"),
    errors.TooLarge: Row(413, "File too large", "EntityTooLarge"),
    errors.Truncated: Row(400, "Upload incomplete", "BadRequest"),
    errors.BadBody: Row(400, "Bad Request", "BadRequest"),
    errors.ChecksumMismatch: Row(400, "Checksum mismatch", "BadRequest"),
    errors.QuotaExceeded: Row(507, "Quota exceeded", "InsufficientStorage", "quota-not-exceeded"),
    errors.Full: Row(507, "Disk full", "InsufficientStorage", "sufficient-disk-space"),
    errors.Unavailable: Row(503, "Service Unavailable", "ServiceUnavailable"),
    errors.SignInRefused: Row(401, "Unauthorized", "NotAuthenticated"),
    errors.Throttled: Row(429, "Too Many Requests", "TooManyRequests"),
    errors.ConfigError: Row(500, "Internal Server Error", "ServerError"),
}

# What a refusal by policy says in one glance, by the rule that refused.
PHRASES: Final[Mapping[str, str]] = {
    "extension": "File type not allowed",
    "content": "File content not allowed",
    "root": "Not allowed",
    "virus": "Virus found",
    "read-only": "Read only with this password",
    "scope": "Outside the folder of this password",
}

# What a 405 must say is possible instead, by what is there.
_ALLOWED: Final[Mapping[type[errors.FilehostError], str]] = {errors.IsAFolder: FOLDER, errors.Exists: FILE}

_EXCEPTIONS: Final[Mapping[int, str]] = {
    400: "BadRequest",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    412: "PreconditionFailed",
    415: "UnsupportedMediaType",
    416: "RequestedRangeNotSatisfiable",
    423: "Locked",
    501: "NotImplemented",
    502: "BadGateway",
}


class Refusal(errors.FilehostError):
    """A request that the protocol itself refuses: nothing is wrong with a file, but with what was asked.

    `condition` is the name of a precondition element of RFC 4918 section 16, `paths` its hrefs.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        condition: str = "",
        paths: Sequence[str] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.row = Row(status, HTTPStatus(status).phrase, _EXCEPTIONS.get(status, "Exception"), condition)
        self.paths = tuple(paths)
        self.headers = tuple(headers)


def row_of(error: errors.FilehostError) -> Row:
    """The row of an error's class, or of the nearest base class that has one."""
    if isinstance(error, Refusal):
        return error.row
    row = next(TABLE[base] for base in type(error).__mro__ if base in TABLE)
    if isinstance(error, errors.Refused) and error.rule in PHRASES:
        return row._replace(phrase=PHRASES[error.rule])
    return row


def error_answer(error: errors.FilehostError, *, prefix: str = "") -> Answer:
    """The answer to a request that ended in `error`; `prefix` precedes the user's paths in URLs."""
    row = row_of(error)
    body = _body(row, error.message, [prefix + quoted(path) for path in getattr(error, "paths", ())])
    headers: Headers = [*XML, *INERT, *getattr(error, "headers", ())]
    if type(error) in _ALLOWED:
        headers.append(("Allow", _ALLOWED[type(error)]))
    if rule := getattr(error, "rule", ""):
        headers.append(("Filehost-Rule", rule))  # for our own page, which says it in the visitor's language
    retry = getattr(error, "retry_after", None)
    if retry is not None:
        headers.append(("Retry-After", str(retry)))
    return Answer(f"{row.status} {row.phrase}", headers, body)


def failure_answer(request_id: str) -> Answer:
    """The answer to a request on which the program itself failed: nothing of it but a number to ask about."""
    row = TABLE[errors.ConfigError]
    message = f"The server failed on this request; its log tells more under the number {request_id or '-'}"
    return Answer(f"{row.status} {row.phrase}", [*XML, *INERT], _body(row, message, ()))


def quoted(path: str) -> str:
    """A user's path as a URL path."""
    return FilePath.parse(path).as_url()


def _body(row: Row, message: str, hrefs: Sequence[str]) -> bytes:
    condition = ""
    if row.condition:
        inner = "".join(f"<d:href>{escape(href, quote=False)}</d:href>" for href in hrefs)
        condition = f"<d:{row.condition}>{inner}</d:{row.condition}>"
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        f"<s:exception>Sabre\\DAV\\Exception\\{row.exception}</s:exception>"
        f"<s:message>{escape(message, quote=False)}</s:message>{condition}</d:error>"
    ).encode("utf-8", "replace")
