"""Bodies: what a request carries, as the storage wants it, whichever server serves it.

Our own HTTP layer's body is one already. A foreign server's stream is wrapped: it is counted against
Content-Length, so that a broken upload raises instead of ending early and being taken for whole.
"""

from __future__ import annotations

from typing import Any, Final

from filehost_dav.errors import BadBody, TooLarge, Truncated
from filehost_dav.storage.tree import Body

LARGEST_DOCUMENT: Final = 1 << 20  # bytes of an XML body
_BLOCK: Final = 1 << 16


def body_of(environ: dict[str, Any]) -> Body:
    """The request's body. Raises BadBody when a foreign server let a malformed length pass, or a body without
    a length of which it does not tell the end: what is there would be taken for empty.
    """
    stream = environ["wsgi.input"]
    if "filehost.gateway" in environ:
        own: Body = stream
        return own
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        return StreamBody(stream, int(length))
    if length:
        raise BadBody("The Content-Length is not a number")
    if environ.get("wsgi.input_terminated"):
        return StreamBody(stream, None)
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise BadBody("Uploads without a length cannot be taken here")
    return StreamBody(stream, 0)


def read_whole(body: Body, limit: int) -> bytes:
    """All bytes of a body. Raises TooLarge when there are more than `limit`."""
    most = limit if body.length is None else body.length
    if most > limit:
        raise _too_large(limit)
    # Most bodies are far smaller than a block, and a block has to be cleared first.
    view = memoryview(bytearray(min(most, _BLOCK) or 1))
    whole = bytearray()
    while count := body.readinto(view):
        whole += view[:count]
        if len(whole) > limit:
            raise _too_large(limit)
    return bytes(whole)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"A request of this kind may have {limit} bytes", limit=limit)


class StreamBody:
    """A foreign server's `wsgi.input` as a Body; `length` None when the stream ends by itself."""

    def __init__(self, stream: Any, length: int | None) -> None:
        self.length = length
        self._stream = stream
        self._left = length

    def readinto(self, buffer: memoryview, /) -> int:
        if self._left == 0:
            return 0
        most = len(buffer) if self._left is None else min(len(buffer), self._left)
        try:
            block: bytes = self._stream.read(most)
        except OSError:
            raise Truncated("The upload broke off; nothing was stored") from None
        if self._left is not None:
            if not block:
                raise Truncated("The upload broke off; nothing was stored")
            self._left -= len(block)
        buffer[: len(block)] = block
        return len(block)


class NonEmpty:
    """A body of unknown length that must not end before its first byte."""

    length: int | None = None

    def __init__(self, body: Body) -> None:
        self._body = body
        self._begun = False

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._body.readinto(buffer)
        if not count and not self._begun:
            # Finder announces the size beside a chunked body; an empty one has lost its content.
            raise Truncated("The upload arrived empty; nothing was stored")
        self._begun = True
        return count


class Nothing:
    """The body of an empty file."""

    length: int | None = 0

    def readinto(self, _buffer: memoryview, /) -> int:
        return 0
