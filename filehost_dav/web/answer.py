"""Answer: what a handler of the page gives back, and the headers that every answer carries.

Nothing of the page may be framed, guessed at by type, cached by a stranger or run a script that
is not one of its own files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "media-src 'self'",
        "frame-src blob:",
        "object-src blob:",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

# The page uses none of what a browser would ask its visitor for.
PERMISSIONS: Final = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"

_ALWAYS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", PERMISSIONS),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Content-Security-Policy", CONTENT_POLICY),
)

_HTML: Final = (("Content-Type", "text/html; charset=utf-8"), ("Vary", "Cookie"))

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body of known or unknown length, and headers. Not stored by caches unless it says so."""

    status: int
    body: bytes | Iterable[bytes]
    headers: Headers = ()

    def adding(self, *headers: tuple[str, str]) -> Answer:
        """The same answer with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    @property
    def status_line(self) -> str:
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    def all_headers(self) -> list[tuple[str, str]]:
        """What goes on the wire: this answer's headers, and what every answer carries."""
        names = {name for name, _ in self.headers}
        usual = [*_ALWAYS, ("Cache-Control", "no-store")]
        if isinstance(self.body, bytes):
            usual.append(("Content-Length", str(len(self.body))))
        return [*self.headers, *((name, value) for name, value in usual if name not in names)]

    def chunks(self) -> Iterable[bytes]:
        return (self.body,) if isinstance(self.body, bytes) else self.body


def send(answer: Answer, method: str, start_response: StartResponse) -> Iterable[bytes]:
    """Start the response, and give its body as WSGI wants it: none for HEAD."""
    start_response(answer.status_line, answer.all_headers())
    return () if method == "HEAD" else answer.chunks()


def html(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), _HTML)


def html_in_pieces(pieces: Iterator[str], status: int = 200) -> Answer:
    """With its length where the first piece is all, else sent as it is made."""
    first, second = next(pieces), next(pieces, None)
    if second is None:
        return html(first, status)
    return Answer(status, (piece.encode() for piece in chain((first, second), pieces)), _HTML)


def as_json(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), (("Content-Type", "application/json"),))


def see_other(url: str) -> Answer:
    """Go on with a GET of `url` (percent-encoded, on this site)."""
    return Answer(303, b"", (("Location", url),))


def plain(text: str, status: int) -> Answer:
    """A sentence without a page around it."""
    return Answer(status, f"{text}\n".encode(), (("Content-Type", "text/plain; charset=utf-8"),))
