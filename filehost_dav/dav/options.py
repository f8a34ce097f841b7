"""OPTIONS, and what is allowed where.

Answered without sign-in on any path, whether something is there or not: Windows and Office ask before
they have credentials, and on the folders above the one they want.
"""

from __future__ import annotations

from typing import Final

from filehost_dav.dav.answer import Answer
from filehost_dav.storage.tree import Entry

DAV: Final = "1, 2, 3, extended-mkcol"
ALL: Final = "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCOL, COPY, MOVE, LOCK, UNLOCK"
FILE: Final = ALL.replace(", MKCOL", "")
FOLDER: Final = FILE.replace(", PUT", "")
_ABSENT: Final = "OPTIONS, PUT, MKCOL, LOCK"

# MS-Author-Via keeps Office from taking the server for a FrontPage one.
_HEADERS: Final = [("DAV", DAV), ("MS-Author-Via", "DAV"), ("Allow", ALL)]
_ANSWER: Final = Answer("200 OK", _HEADERS)


def options() -> Answer:
    """The same for every URL."""
    return _ANSWER


def allow(entry: Entry | None) -> tuple[tuple[str, str], ...]:
    """The Allow header that a 405 must have, for what is at the URL."""
    if entry is None:
        return (("Allow", _ABSENT),)
    return (("Allow", FOLDER if entry.is_folder else FILE),)
