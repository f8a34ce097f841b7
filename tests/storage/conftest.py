"""A storage of each kind, so that one suite keeps the contract for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage import LocalStorage, ObjectStorage
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.tree import Storage, Tree

KINDS = ("local", "object-sqlite", pytest.param("object-postgres", marks=pytest.mark.postgres))


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "local":
        local = LocalStorage(tmp_path / "data", durability="none")
        yield local
        local.close()
        return
    database: Database = SqliteDatabase(tmp_path / "state.sqlite3")
    if request.param == "object-postgres":
        database = PostgresDatabase(request.getfixturevalue("postgres").database())
    migrate(database)
    yield ObjectStorage(database, FolderBlobs(tmp_path / "bucket"))
    database.close()


@pytest.fixture
def tree(storage: Storage) -> Tree:
    return storage.tree("alice")
