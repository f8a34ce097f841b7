"""Handing an answer over: the parts an application leaves in `filehost.answer`, sent by the cheapest means.

A part is bytes or a Span of an open file. A small file goes out in one piece with the head, a
large one by sendfile; over TLS, and where there is no descriptor, in blocks. Or the front server
is told which file to send. Every content is closed, whatever happens.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from filehost_dav.errors import Truncated
from filehost_dav.http.wire import BLOCK
from filehost_dav.storage.tree import Span

if TYPE_CHECKING:
    from filehost_dav.http.gateway import Gateway

SENDFILE = hasattr(os, "sendfile")
RANGE: Final = "X-Filehost-Range"
"""The header by which the front server learns what range to ask an object store for."""


@dataclass(frozen=True, slots=True)
class Offload:
    """Let the front server send whole files: `X-Accel-Redirect` (nginx) or `X-Sendfile` (Apache, lighttpd).

    With `header="X-Accel-Redirect"`, a file below `root` is named `prefix` plus its path there, and a
    signed address of an object store `prefix` plus what follows its host.
    With `header="X-Sendfile"` its full path is sent, and `prefix` is not used. nginx makes an ETag of
    its own unless its internal location says `etag off; add_header ETag $upstream_http_etag;`.
    """

    header: str
    root: Path
    prefix: str = "/"

    def name(self, place: str) -> str | None:
        """What to call a file or a signed address, or None when it is neither below `root` nor one."""
        if is_address(place):
            rest = place.partition("://")[2].partition("/")[2]
            return None if self.header.lower() == "x-sendfile" else f"{self.prefix.rstrip('/')}/{rest}"
        path = Path(place)
        if not path.is_relative_to(self.root):
            return None
        if self.header.lower() == "x-sendfile":
            return quote(str(path), safe="/") if not place.isascii() else place
        return self.prefix.rstrip("/") + "/" + quote(str(path.relative_to(self.root)))


def send(parts: Iterable[bytes | Span], gateway: Gateway, offload: Offload | None) -> None:
    """Send all parts. Raises what the socket or the content raises, after closing everything."""
    rest = iter(parts)
    try:
        for part in rest:
            if isinstance(part, Span):
                with part.content:
                    _send_span(part, gateway, offload)
            elif part:
                gateway.write(part)
            if gateway.silent:
                break
    finally:
        _close(parts, rest)


def _send_span(span: Span, gateway: Gateway, offload: Offload | None) -> None:
    if gateway.silent or not span.length:
        return
    if offload is not None and _offloaded(span, gateway, offload):
        return
    descriptor = span.content.descriptor()
    if span.length > BLOCK and descriptor is not None and gateway.takes_files:
        gateway.send_file(descriptor, span.start, span.length)
        return
    try:
        for block in span.content.blocks(span.start, span.length):
            gateway.write(block)
    except Truncated:
        # The file became shorter: the promised length is not reached, and the connection ends.
        return


def _offloaded(span: Span, gateway: Gateway, offload: Offload) -> bool:
    """Only before anything was sent, and only what is the whole answer.

    The front server does the ranges of a file itself. What it is to ask an object store for it is told: whether
    a range counts depends on an ETag that the store does not know.
    """
    if not gateway.status.startswith("20") or gateway.promised != span.length:
        return False
    is_part = gateway.status.startswith("206")
    place = span.content.offload()
    name = None if place is None or (is_part and not is_address(place)) else offload.name(place)
    if name is None:
        return False
    wanted = f"bytes={span.start}-{span.start + span.length - 1}"
    gateway.offload((offload.header, name), *([(RANGE, wanted)] if is_part else []))
    return True


def is_address(place: str) -> bool:
    """Whether this is an address of an object store and not a file's path."""
    return place.startswith(("http://", "https://"))


def _close(parts: Iterable[bytes | Span], rest: Iterator[bytes | Span]) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()
        return
    for part in rest:
        if isinstance(part, Span):
            part.content.close()
