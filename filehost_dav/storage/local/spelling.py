"""Names on disk and the names users see.

A user's name is in NFC. On disk the same name may stand in another form that Unicode calls
equivalent (files brought from macOS are in NFD): both are one name, so it is found under the form it
has, and a second form of it is never made. Our own names and names no FilePath can hold are not shown.
"""

from __future__ import annotations

import time
import unicodedata
from collections import OrderedDict
from functools import lru_cache

from filehost_dav.errors import BadPath
from filehost_dav.paths import LONGEST_NAME, safe_name
from filehost_dav.storage.local.folders import RESERVED, Folder

_REMEMBERED = 256  # folders
_PAUSE = 20  # a folder is read again for odd names after this many times what reading it took


def shown(name: str) -> str | None:
    """The name a user sees for a name on disk; None when it cannot be served."""
    if name.startswith(RESERVED):
        return None
    # Most names are safe as they are, which is seen as quickly as it would be remembered.
    is_plain = name.isascii() and name.isprintable() and len(name) <= LONGEST_NAME
    return name if is_plain else _as_shown(name)


@lru_cache(maxsize=1024)
def _as_shown(name: str) -> str | None:
    try:
        safe = safe_name(name)
    except BadPath:
        return None
    # Three signs are equivalent to an ASCII one (the Kelvin sign is a K); to look for them at every
    # missing name would cost every new file a listing.
    return None if safe != name and safe.isascii() else safe


class Spellings:
    """Finds names on disk; remembers, for folders looked into, the names that are in neither usual form."""

    def __init__(self) -> None:
        self._odd: OrderedDict[int, tuple[int, float, dict[str, str]]] = OrderedDict()

    def on_disk(self, folder: Folder, name: str) -> str:
        """The form in which `name` is on disk; `name` itself when it is not there."""
        if name.isascii() or folder.status(name) is not None:
            return name
        decomposed = unicodedata.normalize("NFD", name)
        if decomposed != name and folder.status(decomposed) is not None:
            return decomposed
        odd = self._odd_names(folder).get(name)
        return odd if odd is not None and folder.status(odd) is not None else name

    def _odd_names(self, folder: Folder) -> dict[str, str]:
        status = folder.own_status()
        known = self._odd.get(status.inode)
        started = time.monotonic()
        if known is not None and (known[0] == status.modified or started < known[1]):
            return known[2]
        odd = {safe: name for name in folder.names() if (safe := shown(name)) is not None and safe != name}
        finished = time.monotonic()
        self._odd[status.inode] = (status.modified, finished + _PAUSE * (finished - started), odd)
        if len(self._odd) > _REMEMBERED:
            self._odd.popitem(last=False)
        return odd
