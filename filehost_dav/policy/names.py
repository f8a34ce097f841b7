"""Which names can be kept everywhere: nothing is ever rewritten, so what cannot be kept is refused.

`portable` refuses what Windows, macOS or a listing cannot carry, and nothing else. `ascii` accepts
exactly the names that werkzeug's `secure_filename` (with its Windows branch) would leave as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

LONGEST: Final = 240  # bytes of UTF-8: what programs add to a name for a moment still fits into 255

# An override of the writing direction shows `exe.pdf` where the name ends in `fdp.exe`.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_WINDOWS = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)\Z")
_ASCII = re.compile(r"[A-Za-z0-9-](?:[A-Za-z0-9_.-]*[A-Za-z0-9-])?\Z")
_ASCII_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\Z")


class Broken(NamedTuple):
    """A rule that a name breaks: its short name, and a sentence for the person."""

    rule: str
    message: str


@lru_cache(maxsize=1024)
def portable(name: str, windows_safe: bool) -> Broken | None:
    """The rule of portable names that `name` breaks, or None. `name` is one part of a FilePath."""
    if len(name) * 4 > LONGEST and len(name.encode()) > LONGEST:
        return Broken("length", f"A name may not be longer than {LONGEST} bytes")
    if "\\" in name:
        return Broken("characters", "A name may not hold a backslash")
    if _BIDI.search(name):
        return Broken("bidi", "A name may not hold marks that turn the direction of writing")
    return _broken_on_windows(name) if windows_safe else None


@lru_cache(maxsize=1024)
def ascii_only(name: str) -> Broken | None:
    """The rule of ASCII names that `name` breaks, or None."""
    if not _ASCII.match(name):
        return Broken(
            "ascii", "A name may hold only the letters a to z, digits, and . _ - inside: no blanks, no accents"
        )
    if _ASCII_DEVICE.match(name.partition(".")[0].casefold()):
        return Broken("reserved", "This name is reserved by Windows")
    return None


def _broken_on_windows(name: str) -> Broken | None:
    if _WINDOWS.search(name):
        return Broken("characters", 'A name may not hold any of < > : " | ? *, which Windows cannot keep')
    if name[-1] in ". " or name[0] == " ":
        return Broken("edges", "A name may not begin with a blank or end with a dot or a blank")
    if _DEVICE.match(name.partition(".")[0].rstrip(" ").casefold()):
        return Broken("reserved", "This name is reserved by Windows")
    return None
