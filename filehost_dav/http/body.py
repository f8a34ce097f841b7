"""The body of a request, on its way in.

It satisfies `storage.tree.Body` and `DirectBody`, and is the `wsgi.input` of the application. A
body that ends early, stalls or is malformed raises at the read that finds it, never looks
complete, and its connection is not used again. Chunked bodies are read in one pass over the bytes
(RFC 9112 section 7.1), extensions ignored, trailers consumed and dropped. `100 Continue` goes out
when the application first reads, so a refusal costs no upload.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from filehost_dav.errors import BadBody, Truncated
from filehost_dav.http.limits import Limits
from filehost_dav.http.pipe import SharedPipe
from filehost_dav.http.wire import BLOCK, Gone, Stalled, Wire

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")
_LINE = 4096
"""The longest chunk line or trailer line."""
_DIRECT = 16_384
"""A piece at least this large goes past the inbox, straight to where it is wanted."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Body:
    """One request's body. `length` is None when it is chunked."""

    __slots__ = (
        "_between",
        "_chunked",
        "_continue",
        "_in_chunk",
        "_left",
        "_limits",
        "_pipe",
        "_size",
        "_wire",
        "broken",
        "length",
        "received",
    )

    def __init__(self, wire: Wire, length: int | None, *, limits: Limits, pipe: SharedPipe, ask: bool) -> None:
        """`length` bytes, or chunked when it is None; `ask`: the client waits for `100 Continue`."""
        self.length = length
        self.broken = False
        self.received = 0
        """Bytes of it that were read."""
        self._wire = wire
        self._limits = limits
        self._pipe = pipe
        self._continue = ask
        self._chunked = length is None
        self._in_chunk = False
        self._between = b""
        self._size = 0
        self._left = length or 0

    @property
    def remaining(self) -> int | None:
        """Bytes not read yet; None while a chunked body has not been read to its end."""
        return None if self._chunked else self._left

    @property
    def finished(self) -> bool:
        """Whether all of it was read, trailers included."""
        return not self._chunked and not self._left

    def is_at_hand(self) -> bool:
        """Whether the rest can be read without waiting for the client."""
        return not self._chunked and self._left <= self._wire.pending

    def drop(self) -> None:
        """Skip the rest of a body that is at hand."""
        self._wire.take(self._left)
        self._left = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the start of `buffer`; the number of bytes, 0 only at the complete end.

        Raises Truncated when the client stops sending, BadBody when the chunks are malformed.
        """
        if not self._more():
            return 0
        most = min(len(buffer), self._left)
        if self._wire.pending:
            piece = self._wire.take(most)
            buffer[: len(piece)] = piece
            return self._consumed(len(piece))
        return self._consumed(self._received_into(buffer[:most]))

    def splice(self, descriptor: int, most: int, /) -> int:
        """Move up to `most` bytes to the file at its offset; how many, 0 only at the complete end."""
        moved = 0
        while moved < most and self._more():
            moved += self._move(descriptor, min(most - moved, self._left))
        return moved

    def read(self, size: int | None = -1, /) -> bytes:
        """`size` bytes, fewer only at the complete end; everything when `size` is negative or None."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self._piece(BLOCK), b""))
        pieces = []
        while size and (piece := self._piece(size)):
            pieces.append(piece)
            size -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readline(self, size: int = -1, /) -> bytes:
        """For applications that want lines. Slow: nothing here reads a body that way."""
        line = bytearray()
        while len(line) != size and (octet := self.read(1)):
            line += octet
            if octet == b"\n":
                break
        return bytes(line)

    def readlines(self, _hint: int = -1, /) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _piece(self, most: int) -> bytes:
        """Some bytes, at most `most`; empty only at the complete end."""
        if not self._more():
            return b""
        most = min(most, self._left)
        if not self._wire.pending:
            if most >= _DIRECT:
                buffer = bytearray(min(most, BLOCK))
                count = self._consumed(self._received_into(memoryview(buffer)))
                del buffer[count:]
                return bytes(buffer)
            self._fill()
        piece = self._wire.take(most)
        self._consumed(len(piece))
        return piece

    def _move(self, descriptor: int, most: int) -> int:
        if self._wire.pending or self._wire.tls or not self._pipe.works or self._small():
            return self._copied(descriptor, min(most, BLOCK))
        return self._consumed(self._insist(lambda: self._spliced(descriptor, most)))

    def _small(self) -> bool:
        """Whether the chunks are too small for a detour through the kernel."""
        return self._chunked and not self._between

    def _copied(self, descriptor: int, most: int) -> int:
        view = memoryview(self._piece(most))
        count = len(view)
        while view:
            view = view[os.write(descriptor, view) :]
        return count

    def _more(self) -> bool:
        """Whether bytes of the body follow; reads chunk lines and trailers on the way."""
        if self._left:
            if self._continue and not self._wire.pending:
                self._ask()
            return True
        if not self._chunked:
            return False
        if self._continue:
            self._ask()
        return self._next_chunk()

    def _ask(self) -> None:
        self._continue = False
        if not self._wire.pending:
            try:
                self._wire.send(_CONTINUE)
            except Gone:
                raise self._cut_off() from None

    def _next_chunk(self) -> bool:
        if self._between and not self._wire.pending:
            # Of large chunks only what is between them comes through the inbox, and mostly
            # that is the same bytes each time.
            self._fill(len(self._between))
            if self._wire.peek() == self._between:
                self._wire.skip(len(self._between))
                self._left = self._size
                return True
        if self._in_chunk and self._line():
            raise self._bad("A chunk is longer than its size says.")
        line = self._line()
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise self._bad("The size of a chunk is malformed.")
        self._size = self._left = int(match[1], 16)
        self._in_chunk = True
        self._between = b"\r\n%b\r\n" % line if self._size >= _DIRECT else b""
        if not self._left:
            self._end()
        return bool(self._left)

    def _end(self) -> None:
        budget = self._limits.head
        while line := self._line():
            budget -= len(line)
            if budget < 0 or not _TRAILER.fullmatch(line):
                raise self._bad("The trailer of the body is malformed.")
        self._chunked = False

    def _line(self) -> bytes:
        """One line without its CR LF."""
        while (end := (data := self._wire.peek()).find(b"\r\n")) < 0:
            if len(data) > _LINE or b"\n" in data:
                raise self._bad("A line between the chunks is malformed.")
            self._fill(len(self._between) or BLOCK)
        if end > _LINE:
            raise self._bad("A line between the chunks is too long.")
        return self._wire.take(end + 2)[:-2]

    def _fill(self, most: int = BLOCK) -> None:
        self._insist(lambda: self._wire.fetch(most))

    def _received_into(self, buffer: memoryview) -> int:
        return self._insist(lambda: self._wire.fetch_into(buffer))

    def _spliced(self, descriptor: int, most: int) -> int | None:
        with self._pipe.turn(self._wire.leave) as pipe:
            count = self._wire.splice_into(pipe, min(most, self._pipe.share))
            if count:
                pipe.pour(descriptor, count)
        return count

    def _insist(self, attempt: Callable[[], int | None]) -> int:
        """What the attempt brings, at least one byte."""
        try:
            count = self._wire.insist(attempt, self._coming(), self._limits.body_seconds)
        except Stalled:
            self.broken = True
            raise Truncated("The body stopped arriving.") from None
        if not count:
            raise self._cut_off()
        return count

    def _coming(self) -> int:
        """Bytes that are certain to follow: the rest, and after a chunk its end and that of the body."""
        if not self._chunked:
            return self._left
        return self._left + len(b"\r\n0\r\n\r\n") if self._left else 1

    def _consumed(self, count: int) -> int:
        self._left -= count
        self.received += count
        return count

    def _cut_off(self) -> Truncated:
        self.broken = True
        return Truncated("The connection ended before the whole body had arrived.")

    def _bad(self, sentence: str) -> BadBody:
        self.broken = True
        return BadBody(sentence)
