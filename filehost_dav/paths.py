"""FilePath: the only way a string becomes a place in a user's folder.

A FilePath that exists is safe: each part is a single name in Unicode NFC (macOS sends NFD; both
spellings are one name), is not empty, `.` or `..`, and holds no slash, no control character and
nothing that UTF-8 cannot carry. What a policy allows on top of that (types, Windows names) is
the policy's affair, so that a file placed on disk by hand stays readable.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from filehost_dav.errors import BadPath

LONGEST_NAME: Final = 255  # bytes of UTF-8; what ext4, APFS and NTFS can hold
LONGEST_PATH: Final = 1024  # bytes of UTF-8 of the whole path

# `Icon\r` is the one name with a control character that is needed: Finder keeps folder icons in it.
ICON: Final = "Icon\r"

# C0, DEL, C1, and what XML 1.0 cannot carry: one such name makes a whole listing unreadable.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff/]")

# What RFC 3986 lets stand in a path segment as it is.
_URL_SAFE: Final = "!$&'()*+,;=:@~"


class Area(Enum):
    """The parts of a user's place. Only FILES is what a user sees as the folder."""

    FILES = "files"
    SIDE = "side"
    STAGING = "staging"

    __hash__ = object.__hash__  # Enum's own is not C, and hashing is most of what making a path takes


class FilePath:
    """A place in one user's folder: immutable, hashable, ordered by its parts."""

    __slots__ = ("_hash", "area", "parts")

    parts: tuple[str, ...]
    area: Area

    def __init__(self, parts: tuple[str, ...], area: Area = Area.FILES) -> None:
        """For parts that are already known to be safe; `parse` is the door for strings."""
        self.parts = parts
        self.area = area
        self._hash = hash((parts, area))

    @classmethod
    def parse(cls, text: str) -> FilePath:
        """The place that `text` names: a decoded URL path, with or without slashes at its ends.

        Raises BadPath naming the rule broken. Doubled slashes count as one (some clients send
        them); `.` and `..` are refused, not resolved, since no client sends them on purpose.
        """
        return _parse(text)

    @classmethod
    def root(cls) -> FilePath:
        return _ROOT

    @property
    def is_root(self) -> bool:
        return not self.parts

    @property
    def name(self) -> str:
        """The last part; empty for the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> FilePath:
        """The folder that holds this; the root is its own parent."""
        return FilePath(self.parts[:-1], self.area)

    @property
    def ancestors(self) -> Iterator[FilePath]:
        """The folders above, the nearest first, the root last; none for the root."""
        for length in range(len(self.parts) - 1, -1, -1):
            yield FilePath(self.parts[:length], self.area)

    @property
    def extension(self) -> str:
        """What follows the last dot of the name, casefolded, without the dot; else empty."""
        return extension_of(self.name)

    def is_within(self, folder: FilePath) -> bool:
        """Whether this is `folder` itself or lies below it."""
        length = len(folder.parts)
        return self.area is folder.area and self.parts[:length] == folder.parts

    def moved(self, source: FilePath, target: FilePath) -> FilePath:
        """The same member after its ancestor `source` became `target`."""
        return FilePath(target.parts + self.parts[len(source.parts) :], target.area)

    def in_area(self, area: Area) -> FilePath:
        """The mirror of this place in another area."""
        return self if area is self.area else FilePath(self.parts, area)

    def as_url(self) -> str:
        """Percent-encoded, with a leading slash and none at the end (except the root's)."""
        return "/" + "/".join(quote_name(part) for part in self.parts)

    def __truediv__(self, name: str) -> FilePath:
        """The member `name` of this folder. Raises BadPath."""
        return FilePath((*self.parts, safe_name(name)), self.area)

    def __str__(self) -> str:
        return "/" + "/".join(self.parts)

    def __repr__(self) -> str:
        return f"FilePath({str(self)!r})" if self.area is Area.FILES else f"FilePath({self}, {self.area.value})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FilePath) and self.parts == other.parts and self.area is other.area

    def __hash__(self) -> int:
        return self._hash

    def __lt__(self, other: FilePath) -> bool:
        return self.parts < other.parts


@lru_cache(maxsize=1024)
def safe_name(name: str) -> str:
    """`name` in NFC when it can be one part of a FilePath. Raises BadPath naming the rule."""
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    if name in ("", ".", ".."):
        raise BadPath("A name may not be empty, '.' or '..'", rule="dots")
    if _FORBIDDEN.search(name) and name != ICON:
        raise BadPath("A name may not hold control characters or a slash", rule="characters")
    if len(name.encode()) > LONGEST_NAME:
        raise BadPath(f"A name may not be longer than {LONGEST_NAME} bytes", rule="length")
    return name


def extension_of(name: str) -> str:
    """What follows the last dot of `name`, casefolded; empty when nothing does or nothing precedes it."""
    stem, dot, extension = name.rpartition(".")
    return extension.casefold() if dot and stem else ""


@lru_cache(maxsize=1024)
def quote_name(name: str) -> str:
    """`name` as one segment of a URL path."""
    return quote(name, safe=_URL_SAFE)


@lru_cache(maxsize=1024)
def _parse(text: str) -> FilePath:
    parts = tuple(safe_name(part) for part in text.split("/") if part)
    if sum(len(part.encode()) + 1 for part in parts) > LONGEST_PATH:
        raise BadPath(f"A path may not be longer than {LONGEST_PATH} bytes", rule="length")
    return FilePath(parts)


_ROOT: Final = FilePath(())
