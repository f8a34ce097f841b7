"""Forms as browsers send them: small ones read whole, ones with files as a stream of parts.

A file in a form is a Body, read as it arrives: nothing is kept in memory or in a temporary file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from multipart import MultipartError, PushMultipartParser, parse_options_header

from filehost_dav.errors import BadBody, Truncated
from filehost_dav.web.request import Request

_LARGEST_FORM: Final = 2 << 20  # bytes of a form without files
_LARGEST_FIELD: Final = 64 << 10  # bytes of a plain field beside files
_MOST_PARTS: Final = 10_000
_BLOCK: Final = 256 << 10

Fields = dict[str, list[str]]
# A part's head (MultipartSegment), then its bytes in pieces, then None; and so for each part.
Events = Iterator[Any]


def read_small(request: Request) -> bytes:
    """The whole body. Raises BadBody when it is larger than a form may be, Truncated when it ends early."""
    length = _length(request)
    if length is None or length > _LARGEST_FORM:
        raise BadBody("This form is too large")
    body = bytes(request.environ["wsgi.input"].read(length))
    if len(body) < length:
        raise Truncated("The form ended before its end")
    return body


def read_fields(request: Request) -> Fields:
    """The fields of a form without files. Raises as `read_small`."""
    try:
        text = read_small(request).decode()
        return parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_PARTS)
    except ValueError as error:
        raise BadBody("This form cannot be read") from error


@dataclass(slots=True)
class Field:
    """A plain field."""

    name: str
    value: str


class FilePart:
    """A file in a form: its name as the browser sends it, and its bytes as a Body."""

    length: int | None = None

    def __init__(self, filename: str, events: Events) -> None:
        self.filename = filename
        self._events = events
        self._rest = memoryview(b"")
        self._ended = False

    def readinto(self, buffer: memoryview, /) -> int:
        """As a Body. Raises BadBody when the form is malformed or cut short."""
        while not self._rest and not self._ended:
            self._take()
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def skip(self) -> None:
        """Read what is left, so that the next part can follow."""
        self._rest = memoryview(b"")
        while not self._ended:
            self._take()

    def _take(self) -> None:
        event = next(self._events, None)
        if event is None:
            self._ended = True
        else:
            self._rest = memoryview(event)


def read_parts(request: Request) -> Iterator[Field | FilePart]:
    """The fields and files of a multipart form in their order. A file not read is skipped.

    Raises BadBody when the form is malformed or cut short: never after a file that arrived whole.
    """
    kind, options = parse_options_header(request.environ.get("CONTENT_TYPE", ""))
    length = _length(request)
    if kind != "multipart/form-data" or "boundary" not in options:
        raise BadBody("A form with files was expected")
    parser = PushMultipartParser(
        options["boundary"], content_length=-1 if length is None else length, max_segment_count=_MOST_PARTS
    )
    events = _translated(parser.parse_blocking(request.environ["wsgi.input"].read, _BLOCK))
    for segment in events:
        if segment.filename is None:
            yield Field(segment.name, _value(events))
        else:
            part = FilePart(segment.filename, events)
            yield part
            part.skip()


def _value(events: Events) -> str:
    value = b""
    for event in events:
        if event is None:
            break
        value += event
        if len(value) > _LARGEST_FIELD:
            raise BadBody("This form is too large")
    return value.decode(errors="replace")


def _translated(events: Events) -> Events:
    try:
        yield from events
    except MultipartError as error:
        raise BadBody("This form cannot be read, or was cut short") from error


def _length(request: Request) -> int | None:
    text = str(request.environ.get("CONTENT_LENGTH") or "")
    return int(text) if text.isascii() and text.isdigit() else None
