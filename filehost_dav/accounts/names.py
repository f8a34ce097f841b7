"""The names users may have.

A user's name becomes the name of a folder, goes into a Basic header and into log lines, so only
names are accepted that every file system keeps as they are and that no header can misread.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from filehost_dav.errors import BadPath

LONGEST: Final = 63  # characters, so that the longest in UTF-8 is still a folder name (255 bytes)
RULES: Final = (
    "letters, digits and . _ - @ +, beginning with a letter or digit, not ending with a dot, "
    f"at most {LONGEST} characters"
)

_NAME = re.compile(r"[^\W_][\w.@+-]*(?<!\.)")
# Windows opens a device where such a folder should be, whatever follows the first dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def user_name(text: str) -> str:
    """`text` in NFC when a user can have this name. Raises BadPath."""
    if not is_user_name(text):
        raise BadPath(f"This cannot be a user's name. A name is made of {RULES}", rule="user-name")
    return one_spelling(text)


def is_user_name(text: str) -> bool:
    """Whether a user can have this name."""
    name = one_spelling(text)
    return len(name) <= LONGEST and bool(_NAME.fullmatch(name)) and not _DEVICES.fullmatch(name)


def one_spelling(name: str) -> str:
    """An accent can be typed in two ways; this is the one that is kept (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
