"""The engines that a Config names: its database, its bucket, and the object storage made of both.

Their client libraries are extras, so they are loaded only where they are configured.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filehost_dav.config import Config
from filehost_dav.errors import ConfigError
from filehost_dav.state.database import Database, SqliteDatabase

if TYPE_CHECKING:
    from filehost_dav.storage.object import ObjectStorage
    from filehost_dav.storage.object.blobs import Blobs

_SECOND: Final = 10**9


def open_database(config: Config, file: Path) -> Database:
    """PostgreSQL where it is configured, else SQLite in `file`. Raises ConfigError."""
    if config.database.url:
        with _extra("postgres", "[database] url"):
            from filehost_dav.state.postgres import PostgresDatabase  # noqa: PLC0415 - see the module

        return PostgresDatabase(config.database.url)
    # Where the tree itself is in the records, a change that was answered must survive a loss of power.
    lasting = config.storage.kind == "object" and config.storage.durability != "none"
    return SqliteDatabase(file, lasting=lasting)


def open_object_storage(
    config: Config, database: Database, quota: Callable[[str], int | None]
) -> ObjectStorage:
    """Raises ConfigError when bucket and database do not belong together."""
    from filehost_dav.storage.object import ObjectStorage  # noqa: PLC0415 - see the module
    from filehost_dav.storage.object.cleaner import Ages  # noqa: PLC0415
    from filehost_dav.storage.object.identity import confirm  # noqa: PLC0415

    blobs = open_blobs(config)
    confirm(database, blobs)
    keep = config.keep
    ages = Ages(
        trash=None if keep.trash is None else keep.trash * _SECOND,
        versions_all=keep.versions_all * _SECOND,
        versions_daily=None if keep.versions_daily is None else keep.versions_daily * _SECOND,
        grace=config.object.grace * _SECOND,
    )
    return ObjectStorage(
        database,
        blobs,
        quota=quota,
        largest=config.limits.file_size,
        ages=ages,
        memory=config.object.memory,
        room=config.object.upload_memory,
    )


def open_blobs(config: Config) -> Blobs:
    """The bucket. Raises ConfigError."""
    if config.object.client == "folder":
        from filehost_dav.storage.object.folder_blobs import FolderBlobs  # noqa: PLC0415

        return FolderBlobs(Path(config.object.bucket))
    with _extra("s3", "[object] client"):
        return _s3_blobs(config)


def shared_key(database: Database) -> bytes:
    """32 secret bytes that all nodes on this database share; drawn when first asked for."""
    with database.transaction() as rows:
        rows.execute(
            "INSERT INTO meta (name, value) VALUES ('key', ?) ON CONFLICT (name) DO NOTHING",
            (secrets.token_hex(32),),
        )
        ((key,),) = rows.query("SELECT value FROM meta WHERE name = 'key'")
        return bytes.fromhex(key)


def _s3_blobs(config: Config) -> Blobs:
    from filehost_dav.storage.object.boto3_blobs import Boto3Blobs  # noqa: PLC0415
    from filehost_dav.storage.object.bucket import Bucket  # noqa: PLC0415

    chosen = config.object
    bucket = Bucket(
        chosen.bucket,
        chosen.endpoint or None,
        chosen.region or None,
        chosen.hosted,
        chosen.encryption or None,
        chosen.encryption_key or None,
    )
    if chosen.client == "boto3":
        return Boto3Blobs(bucket)
    from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs  # noqa: PLC0415

    return ObstoreBlobs(bucket, Boto3Blobs(bucket))


@contextmanager
def _extra(name: str, setting: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigError([f"{setting}: a library is missing; pip install 'filehost-dav[{name}]'"]) from error
