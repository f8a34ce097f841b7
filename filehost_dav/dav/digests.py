"""Digests on the wire: those a client promises for its upload, and those it wants of a download.

RFC 9530 (Content-Digest, Repr-Digest, Want-Repr-Digest), Content-MD5, and OC-Checksum as rclone and
the sync clients send it. Algorithms that are not known are ignored, as all of these ask for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any, Final

from filehost_dav.dav.statuses import Refusal
from filehost_dav.storage.tree import Content

_STRUCTURED: Final = {"md5": "md5", "sha": "sha1", "sha-256": "sha256", "sha-512": "sha512"}
_OC: Final = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "ADLER32": "adler32"}
_LENGTHS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "adler32": 8}
_MEMBER: Final = re.compile(r"\s*([a-zA-Z0-9-]+)\s*=\s*:([A-Za-z0-9+/]*={0,2}):\s*")
_WANTED: Final = re.compile(r"\s*(sha-256|sha-512)\s*(?:=\s*([0-9]{1,2}))?\s*", re.IGNORECASE)
_BLOCK: Final = 1 << 20


def promised(environ: dict[str, Any]) -> dict[str, str]:
    """The checksums that an upload must have: algorithm → hex, both lower case.

    Raises Refusal (400) when one of a known algorithm cannot be read, or two contradict each other.
    """
    found: dict[str, str] = {}
    if "HTTP_OC_CHECKSUM" in environ:
        _add_oc(found, environ["HTTP_OC_CHECKSUM"])
    if "HTTP_CONTENT_MD5" in environ:
        _add(found, "md5", _hex(environ["HTTP_CONTENT_MD5"].strip()))
    for name in ("HTTP_CONTENT_DIGEST", "HTTP_REPR_DIGEST"):
        for member in environ.get(name, "").split(","):
            match = _MEMBER.fullmatch(member)
            if match and match[1].lower() in _STRUCTURED:
                _add(found, _STRUCTURED[match[1].lower()], _hex(match[2]))
    return found


def wanted(header: str) -> str | None:
    """The digest that a Want-Repr-Digest asks for most, `sha-256` or `sha-512`; None when neither."""
    best: tuple[int, str] | None = None
    for member in header.split(","):
        match = _WANTED.fullmatch(member)
        weight = int(match[2] or 1) if match else 0
        if match and weight and (best is None or weight > best[0]):
            best = (weight, match[1].lower())
    return best and best[1]


def computed(content: Content, algorithm: str) -> str:
    """A Repr-Digest member for the whole of an open file, which is read for it."""
    digest = hashlib.new(_STRUCTURED[algorithm])
    for block in content.blocks(0, content.entry.size):
        digest.update(block)
    return f"{algorithm}=:{base64.b64encode(digest.digest()).decode()}:"


def _add_oc(found: dict[str, str], header: str) -> None:
    for word in header.split():
        kind, colon, value = word.partition(":")
        if colon and kind.upper() in _OC:
            _add(found, _OC[kind.upper()], value.lower())


def _add(found: dict[str, str], algorithm: str, value: str) -> None:
    if len(value) != _LENGTHS[algorithm] or not re.fullmatch("[0-9a-f]+", value):
        raise Refusal(400, f"The {algorithm} checksum of this upload cannot be read")
    if found.setdefault(algorithm, value) != value:
        raise Refusal(400, f"This upload names two different {algorithm} checksums")


def _hex(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).hex()
    except (binascii.Error, ValueError):
        return ""
