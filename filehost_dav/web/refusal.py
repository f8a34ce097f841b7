"""Refusals of those in front of WebDAV (sign-in, limits), in the shape that WebDAV clients look for.

The reason phrase is what many clients show, so it is short, fixed and ASCII; the body carries the
sentence for people, with the prefixes that sync clients and rclone search for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BODY: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
    "<s:exception>Sabre\\DAV\\Exception\\{}</s:exception><s:message>{}</s:message></d:error>"
)
_EXCEPTIONS: Final = {
    "401": "NotAuthenticated",
    "403": "Forbidden",
    "429": "TooManyRequests",
    "503": "ServiceUnavailable",
}


# What a browser may do with an answer that it was led to: show it, and nothing else.
INERT: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),
)


def refuse(
    environ: WSGIEnvironment,
    start_response: StartResponse,
    status: str,
    message: str,
    headers: Sequence[tuple[str, str]] = (),
) -> Iterable[bytes]:
    """Answer with `status` (code and phrase) and the sentence `message`."""
    body = _BODY.format(_EXCEPTIONS[status[:3]], escape(message, quote=False)).encode()
    start_response(
        status,
        [
            ("Content-Type", "application/xml; charset=utf-8"),
            ("Content-Length", str(len(body))),
            *INERT,
            *headers,
        ],
    )
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def retry_after(seconds: int) -> Sequence[tuple[str, str]]:
    return [("Retry-After", str(seconds))]
