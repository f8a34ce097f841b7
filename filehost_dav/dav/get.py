"""GET and HEAD: whole files, ranges, and the answers that save sending anything (304, 412, 416)."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Final

from filehost_dav.dav.answer import INERT, Answer, Headers
from filehost_dav.dav.digests import computed, wanted
from filehost_dav.dav.guards import require_lists
from filehost_dav.dav.media import file_headers
from filehost_dav.dav.preconditions import NONE, Preconditions
from filehost_dav.dav.ranges import ByteRange, parse_ranges
from filehost_dav.dav.request import Request
from filehost_dav.dav.times import http_date
from filehost_dav.errors import IsAFolder
from filehost_dav.storage.tree import Content, Entry, Span

_FOLDER_TEXT: Final = b"This is a WebDAV folder. Open it with a WebDAV client.\n"


def get(request: Request) -> Answer:
    """The file's bytes, or a line of text for a folder. Raises NotFound, ConditionFailed."""
    try:
        content = request.home.open(request.path)
    except IsAFolder:
        return _folder(request)
    try:
        return _file(request, content)
    except BaseException:
        content.close()
        raise


def head(request: Request) -> Answer:
    """What GET would say, without its body; the file is not opened unless a digest is wanted."""
    if "HTTP_WANT_REPR_DIGEST" in request.environ:
        return _without_body(get(request))
    entry = request.home.stat(request.path)
    if entry.is_folder:
        return _folder(request)
    conditions = Preconditions.of(request.environ)
    if conditions is not NONE and _is_current(request, conditions, entry):
        return _not_modified(entry)
    return Answer("200 OK", [*_file_headers(entry), ("Content-Length", str(entry.size))])


def _file(request: Request, content: Content) -> Answer:
    entry = content.entry
    environ = request.environ
    conditions = Preconditions.of(environ)
    if conditions is not NONE and _is_current(request, conditions, entry):
        content.close()
        return _not_modified(entry)
    headers = _file_headers(entry)
    algorithm = wanted(environ.get("HTTP_WANT_REPR_DIGEST", ""))
    if algorithm:
        headers.append(("Repr-Digest", computed(content, algorithm)))
    if "HTTP_RANGE" in environ and _may_range(request, entry):
        ranges = parse_ranges(environ["HTTP_RANGE"], entry.size)
        if ranges is not None:
            return _partial(content, headers, ranges)
    headers.append(("Content-Length", str(entry.size)))
    return Answer("200 OK", headers, (Span(content, 0, entry.size),))


def _is_current(request: Request, conditions: Preconditions, entry: Entry) -> bool:
    require_lists(request, conditions, entry)
    return conditions.is_current(entry)


def _file_headers(entry: Entry) -> Headers:
    return [
        *file_headers(entry.path.name),
        ("ETag", entry.etag),
        ("Last-Modified", http_date(entry.modified)),
    ]


def _not_modified(entry: Entry) -> Answer:
    # RFC 9110 15.4.5: what a cache needs to update what it holds.
    return Answer("304 Not Modified", [("ETag", entry.etag), ("Cache-Control", "private, no-cache")])


def _may_range(request: Request, entry: Entry) -> bool:
    """RFC 9110 14.2: only a GET has ranges. 13.1.5: a part is of use only beside what the client has of
    exactly this content.
    """
    if request.environ["REQUEST_METHOD"] != "GET":
        return False
    validator = request.header("HTTP_IF_RANGE")
    return validator is None or validator.strip() in (entry.etag, http_date(entry.modified))


def _partial(content: Content, headers: Headers, ranges: list[ByteRange]) -> Answer:
    size = content.entry.size
    if not ranges:
        content.close()
        fields = [
            ("Content-Range", f"bytes */{size}"),
            ("Accept-Ranges", "bytes"),
            ("ETag", content.entry.etag),
        ]
        return Answer("416 Range Not Satisfiable", fields)
    if len(ranges) > 1:
        return _multipart(content, headers, ranges)
    (one,) = ranges
    headers += [("Content-Range", _content_range(one, size)), ("Content-Length", str(one.length))]
    return Answer("206 Partial Content", headers, (Span(content, one.start, one.length),))


def _multipart(content: Content, headers: Headers, ranges: list[ByteRange]) -> Answer:
    parts = Multipart(content, dict(headers)["Content-Type"], ranges)
    fields = [(name, value) for name, value in headers if name != "Content-Type"]
    fields += [("Content-Type", parts.kind), ("Content-Length", str(parts.length))]
    return Answer("206 Partial Content", fields, parts)


class Multipart:
    """Several ranges of one open file as multipart/byteranges (RFC 9110 14.6); closing it closes the file."""

    def __init__(self, content: Content, kind: str, ranges: list[ByteRange]) -> None:
        """`kind` is the media type of the file."""
        # Random, so that no file can hold it on purpose.
        boundary = base64.b32encode(os.urandom(15)).decode()
        self.kind = f"multipart/byteranges; boundary={boundary}"
        self._content = content
        self._end = f"\r\n--{boundary}--\r\n".encode()
        start = f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: "
        size = content.entry.size
        self._parts = [((start + _content_range(one, size) + "\r\n\r\n").encode(), one) for one in ranges]

    @property
    def length(self) -> int:
        return sum(len(head) + one.length for head, one in self._parts) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        for head, one in self._parts:
            yield head
            yield from self._content.blocks(one.start, one.length)
        yield self._end

    def close(self) -> None:
        self._content.close()


def _content_range(one: ByteRange, size: int) -> str:
    return f"bytes {one.start}-{one.end - 1}/{size}"


def _folder(request: Request) -> Answer:
    """Never a redirect: clients that test a folder with GET or HEAD want 200 for it."""
    entry = request.home.stat(request.path)
    conditions = Preconditions.of(request.environ)
    if conditions is not NONE and _is_current(request, conditions, entry):
        return _not_modified(entry)
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("ETag", entry.etag),
        ("Last-Modified", http_date(entry.modified)),
        ("X-Content-Type-Options", "nosniff"),
        *INERT,
        ("Cache-Control", "private, no-cache"),
    ]
    return Answer("200 OK", headers, _FOLDER_TEXT)


def _without_body(answer: Answer) -> Answer:
    body = answer.body
    if isinstance(body, Multipart):
        body.close()
    elif isinstance(body, tuple):
        for span in body:
            span.content.close()
    return Answer(answer.status, answer.headers)
