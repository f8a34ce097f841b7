"""Compression of listings with gzip, for clients that say they understand it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

_LEVEL: Final = 1  # XML shrinks to a tenth even so
_GZIP: Final = 31  # zlib's word for the gzip format
_ACCEPTED: Final = re.compile(
    r"(?:^|,)\s*(?:gzip|x-gzip)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?(?:,|$)", re.IGNORECASE
)


def accepts_gzip(environ: dict[str, Any]) -> bool:
    """Whether Accept-Encoding names gzip, and not with the weight 0 (RFC 9110 12.5.3)."""
    accepted = _ACCEPTED.search(environ.get("HTTP_ACCEPT_ENCODING", ""))
    return accepted is not None and (accepted[1] is None or accepted[1].strip("0.") != "")


def compressed(parts: Iterable[bytes]) -> bytes:
    """All parts as one gzip file."""
    return b"".join(compressed_parts(parts))


def compressed_parts(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts as one gzip file, piece by piece, the first as soon as there is one."""
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
    first = True
    for part in parts:
        block = compressor.compress(part)
        if first:
            block += compressor.flush(zlib.Z_SYNC_FLUSH)
            first = False
        if block:
            yield block
    yield compressor.flush()
