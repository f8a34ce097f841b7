"""The names programs give to files that are not documents, each with the program that needs it.

These tables are the defaults of the configuration: an operator can write other lists. A pattern is
matched on the last part of a path in NFC, casefolded: `*` any text, `?` one character, `[a-p]` one of
a range, `<hex 6-8>`, `<digit 4-5>`, `<alnum 6>` so many characters of a kind. A pattern that ends in a
slash names a folder, and everything below it has its role; any other pattern names a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Final

SIDE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "._*": "macOS: the extended attributes of a document (AppleDouble)",
        ".DS_Store": "Finder: how a folder is shown",
        ".localized": "Finder: the folder's name in the user's language",
        "Icon\r": "Finder: a folder's own icon",
        ".VolumeIcon.icns": "Finder: the drive's icon",
        ".apdisk": "macOS: settings of a shared drive",
        ".com.apple.timemachine.*": "macOS: Time Machine's marks",
        ".metadata_never_index*": "macOS: keeps Spotlight away",
        ".AppleDouble/": "netatalk and old macOS: attributes of documents",
        ".AppleDB/": "netatalk: its database",
        ".AppleDesktop/": "netatalk: its database",
        "__MACOSX/": "macOS archives: attributes of documents",
        ".Spotlight-V100/": "macOS: search index",
        ".Trashes/": "macOS: its bin on a drive",
        ".fseventsd/": "macOS: journal of changes",
        ".TemporaryItems/": "macOS: temporary files of a drive",
        ".DocumentRevisions-V100/": "macOS: its own versions",
        "Thumbs.db": "Explorer: thumbnails",
        "ehthumbs.db": "Windows Media Center: thumbnails",
        "desktop.ini": "Explorer: how a folder is shown",
        ".directory": "Dolphin: how a folder is shown",
        "*.idlk": "Adobe InDesign: lock",
        "*.prlock": "Adobe Premiere: lock",
        "*.lck": "Adobe and others: lock",
        "~*.afdesign~lock~": "Affinity: lock",
    }
)

MARKERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "~$*": "Microsoft Office: who has the document open",
        ".~lock.*#": "LibreOffice: who has the document open",
    }
)

STAGING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "<hex 6-8>.tmp": "Word and Excel: the new content, and the original while it is exchanged",
        "ppt<hex 3-4>.tmp": "PowerPoint: the new content",
        "~*.tmp": "Word: ~WRD0000.tmp, ~WRL0001.tmp, ~DF….tmp",
        "Word Work File*": "Word for Mac: the new content",
        "*.sb-<hex 8>-<alnum 6>": "macOS applications: safe save",
        "*.sb-<hex 8>-<alnum 6>/": "macOS applications: safe save in a folder",
        "(A Document Being Saved By *": "macOS applications: safe save",
        "(A Document Being Saved By */": "macOS applications: safe save in a folder",
        ".goutputstream-<alnum 6>": "GNOME applications on a mount: the new content",
        "<digit 4-5>": "vim: may a file be made in this folder (4913, 5036, …)",
        ".*.sw[a-p]": "vim: swap file",
        ".#*": "Emacs: lock",
        "#*#": "Emacs: autosave",
        ".*.kate-swp": "Kate: swap file",
        "*.onetmp": "OneNote: the new content",
        ".nfs<hex 8-24>": "NFS clients: a file deleted while it is open",
        ".fuse_hidden<hex 8-32>": "FUSE mounts: a file deleted while it is open",
    }
)

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "._sync_*": "ownCloud and Nextcloud clients: their own records, which stay on the client",
        ".~*": "ownCloud and Nextcloud clients: a download that is not whole",
        ".sync_*.db*": "ownCloud and Nextcloud clients: their own records",
        ".owncloudsync.log*": "ownCloud client: its log",
        "*-chunking-<digit 1-20>-<digit 1-10>-<digit 1-10>": "old ownCloud clients: a fragment of a file",
        "$RECYCLE.BIN/": "Windows: a bin; the server has its own",
        "RECYCLER/": "Windows: a bin",
        "System Volume Information/": "Windows: records of a local drive",
        ".Trash-<digit 1-10>/": "Linux desktops: a bin; the server has its own",
        ".SynologyWorkingDirectory/": "Synology Cloud Sync: its own records",
        "@eaDir/": "Synology: thumbnails",
        "#recycle/": "Synology: a bin",
    }
)

_KINDS: Final = MappingProxyType({"hex": "[0-9a-f]", "digit": "[0-9]", "alnum": "[0-9a-z]"})
_TOKEN = re.compile(r"\*|\?|\[[^\]\\]+\]|<(hex|digit|alnum) (\d+)(?:-(\d+))?>")


@dataclass(frozen=True, slots=True)
class Patterns:
    """The lists in force. Raises ValueError, in a sentence, for a pattern that cannot be read."""

    side: tuple[str, ...] = tuple(SIDE)
    markers: tuple[str, ...] = tuple(MARKERS)
    staging: tuple[str, ...] = tuple(STAGING)
    refused: tuple[str, ...] = tuple(REFUSED)
    _matchers: tuple[NameMatcher, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lists = (self.side, self.markers, self.staging, self.refused)
        known = tuple(chain.from_iterable(lists))
        object.__setattr__(self, "_matchers", tuple(NameMatcher(patterns) for patterns in (*lists, known)))

    def is_known(self, name: str, *, is_folder: bool) -> bool:
        """Whether `name` matches any of the lists: hardly any does, so this is asked first."""
        return self._matchers[4].matches(name, is_folder)

    def is_side(self, name: str, *, is_folder: bool) -> bool:
        """Whether `name` stands for metadata beside a document: the markers belong to these."""
        return self._matchers[0].matches(name, is_folder) or self._matchers[1].matches(name, is_folder)

    def is_marker(self, name: str) -> bool:
        """Whether `name` tells other users that a document is open, and so stays in listings."""
        return self._matchers[1].matches(name, False)

    def is_staging(self, name: str, *, is_folder: bool) -> bool:
        """Whether a program keeps the future content of a document under `name`."""
        return self._matchers[2].matches(name, is_folder)

    def is_refused(self, name: str, *, is_folder: bool) -> bool:
        """Whether `name` is known for what has no place on a server."""
        return self._matchers[3].matches(name, is_folder)


class NameMatcher:
    """Whether a name matches one of some patterns."""

    __slots__ = ("_files", "_folders")

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = tuple(patterns)
        self._files = _union(pattern for pattern in patterns if not pattern.endswith("/"))
        self._folders = _union(pattern[:-1] for pattern in patterns if pattern.endswith("/"))

    def matches(self, name: str, is_folder: bool) -> bool:
        pattern = self._folders if is_folder else self._files
        return pattern.fullmatch(name.casefold()) is not None


def _union(patterns: Iterable[str]) -> re.Pattern[str]:
    alternatives = "|".join(_as_expression(pattern) for pattern in patterns)
    return re.compile(alternatives or "(?!)", re.DOTALL)


@lru_cache(maxsize=256)
def _as_expression(pattern: str) -> str:
    """`pattern` as a regular expression of casefolded names."""
    text = pattern.casefold()
    parts, position = [], 0
    for token in _TOKEN.finditer(text):
        parts += [re.escape(text[position : token.start()]), _as_characters(token)]
        position = token.end()
    rest = text[position:]
    if not text or "<" in rest or "[" in rest or "/" in rest:
        raise ValueError(f"{pattern!r} is not a pattern of names")
    return "".join([*parts, re.escape(rest)])


def _as_characters(token: re.Match[str]) -> str:
    kind, least, most = token.groups()
    if kind:
        return f"{_KINDS[kind]}{{{least},{most or least}}}"
    return {"*": ".*", "?": "."}.get(token[0], token[0])


DEFAULT_PATTERNS: Final = Patterns()
