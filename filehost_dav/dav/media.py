"""What a file is to a browser: its media type by name, and whether it may be shown or only saved.

The server keeps files of strangers under its own origin, so nothing that a browser could run is ever
shown: what is not plainly a picture, a text or a PDF is an attachment, all of it sandboxed, and a
browser may not guess another type than the one said here.
"""

from __future__ import annotations

import mimetypes
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from filehost_dav.paths import extension_of

UNKNOWN: Final = "application/octet-stream"

# Not known to every Python, and the same on every machine because its own tables are not read.
_OFFICE: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "md": "text/markdown",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "7z": "application/x-7z-compressed",
}
_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain"})
_PDF: Final = "application/pdf"
_SANDBOX: Final = (
    "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)


@lru_cache(maxsize=512)
def media_type(extension: str) -> str:
    """The media type for an extension (casefolded, without the dot), with the charset for text."""
    kind = _OFFICE.get(extension) or mimetypes.types_map.get("." + extension, UNKNOWN)
    return kind + "; charset=utf-8" if kind.startswith("text/") else kind


@lru_cache(maxsize=1024)
def file_headers(name: str) -> tuple[tuple[str, str], ...]:
    """The headers of a GET that depend on the file's name alone."""
    kind = media_type(extension_of(name))
    plain = kind.partition(";")[0]
    shown = plain in _SHOWN or plain == _PDF
    # The viewers for PDF of the browsers do not start inside a sandbox; they bring their own.
    policy = "frame-ancestors 'self'" if plain == _PDF else _SANDBOX
    return (
        ("Content-Type", kind),
        (
            "Content-Disposition",
            f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}",
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", policy),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "same-origin"),
        ("Cache-Control", "private, no-cache"),
        ("Accept-Ranges", "bytes"),
    )
