"""Answer: what a method gives back, and the one place that hands it to the WSGI server.

Under our own HTTP layer the parts are handed over in the environ, so that a file goes out by the
cheapest means (sendfile) although the layers between are plain WSGI. Under a foreign server the same
parts are iterated: slower, but the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from filehost_dav.storage.tree import Span

Headers = list[tuple[str, str]]
XML: Final = (("Content-Type", "application/xml; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
# What a browser may do with an answer that it was led to: show it, and nothing else.
INERT: Final = (
    ("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),
)
Part = bytes | Span
StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status line, headers, and either whole bytes (their length is added) or parts to send in turn.

    Parts without a Content-Length header are sent chunked. The content of a Span is closed by whoever
    sends it, whether it was sent to the end or not, so it stands in one Span only; parts that have a
    `close` are closed by that instead.
    """

    status: str
    headers: Headers
    body: bytes | Iterable[Part] = b""


def send(answer: Answer, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Start the response and give the server what remains to be sent."""
    body = answer.body
    if isinstance(body, bytes):
        return _send_whole(answer, body, environ, start_response)
    start_response(answer.status, answer.headers)
    if "filehost.gateway" in environ:
        environ["filehost.answer"] = body
        return (b"",)
    return _Parts(body)


def _send_whole(
    answer: Answer, body: bytes, environ: dict[str, Any], start_response: StartResponse
) -> Iterable[bytes]:
    headers = answer.headers
    # RFC 9110 8.6: no Content-Length in a 204; a 304 and a HEAD carry that of the GET, or none.
    if not answer.status.startswith(("204", "304")) and not (environ["REQUEST_METHOD"] == "HEAD" and not body):
        headers = [*headers, ("Content-Length", str(len(body)))]
    start_response(answer.status, headers)
    return (b"",) if environ["REQUEST_METHOD"] == "HEAD" else (body,)


class _Parts:
    """The parts as an iterable of bytes, for a server that knows nothing of Spans."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = parts
        self._blocks: Generator[bytes, None, None] = self._iterate()
        self._spans = [part for part in parts if isinstance(part, Span)] if isinstance(parts, tuple) else []

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks

    def close(self) -> None:
        self._blocks.close()
        for span in self._spans:
            span.content.close()
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()

    def _iterate(self) -> Generator[bytes, None, None]:
        for part in self._parts:
            if isinstance(part, Span):
                yield from part.content.blocks(part.start, part.length)
            else:
                yield part
