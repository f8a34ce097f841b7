"""One installation, one database, one bucket: each carries the installation's id.

A server that was pointed at another's bucket would take its contents for orphans, and one at another's
database would look for its contents in the wrong place. Neither starts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from filehost_dav.errors import ConfigError
from filehost_dav.state.database import Database
from filehost_dav.storage.object.blobs import ROOM, Blobs, Lost

KEY: Final = "installation"
_LENGTH: Final = 32


def confirm(
    database: Database, blobs: Blobs, new_id: Callable[[], str] = lambda: secrets.token_hex(_LENGTH // 2)
) -> None:
    """See that the bucket is this database's; two that are new become a pair. Raises ConfigError."""
    in_bucket = _in_bucket(blobs)
    if in_bucket is None and any(True for _ in blobs.list(ROOM)):
        raise ConfigError(["[object] bucket: there are contents in this bucket, but not of this server"])
    with database.transaction() as rows:
        found = rows.query("SELECT value FROM meta WHERE name = 'installation'")
        known = found[0][0] if found else None
        if known is None and in_bucket is not None:
            raise ConfigError(
                [
                    "[object] bucket: it belongs to a server whose database is another one;"
                    " `filehost-dav rebuild` makes a database from a bucket"
                ]
            )
        if known is None:
            known = new_id()
            rows.execute("INSERT INTO meta (name, value) VALUES ('installation', ?)", (known,))
    if in_bucket is None:
        blobs.put(KEY, known.encode(), {})
    elif in_bucket != known:
        raise ConfigError(["[object] bucket: it belongs to another server's database"])


def adopt(database: Database, blobs: Blobs) -> None:
    """Take the bucket's id into a database that has none, for rebuilding. Raises ConfigError."""
    in_bucket = _in_bucket(blobs)
    if in_bucket is None:
        raise ConfigError(["[object] bucket: there is no server's mark in this bucket"])
    with database.transaction() as rows:
        found = rows.query("SELECT value FROM meta WHERE name = 'installation'")
        if found and found[0][0] != in_bucket:
            raise ConfigError(["[database] url: this database belongs to another bucket"])
        if not found:
            rows.execute("INSERT INTO meta (name, value) VALUES ('installation', ?)", (in_bucket,))


def _in_bucket(blobs: Blobs) -> str | None:
    try:
        return b"".join(blobs.stream(KEY, 0, _LENGTH)).decode("ascii", "replace")
    except Lost:
        return None
