"""A storage of each kind, so that one suite keeps the contract for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.seaweedfs import S3

from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage import LocalStorage, ObjectStorage
from filehost_dav.storage.object.blobs import Blobs
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs
from filehost_dav.storage.tree import Storage, Tree

KINDS = (
    "local",
    "object-sqlite",
    pytest.param("object-postgres", marks=pytest.mark.postgres),
    pytest.param("object-s3", marks=pytest.mark.s3),
)


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
    blobs: Blobs = FolderBlobs(tmp_path / "bucket")
    if request.param == "object-s3":
        blobs = request.getfixturevalue("s3_blobs")
    yield ObjectStorage(database, blobs)
    database.close()


@pytest.fixture(scope="session")
def s3_blobs(s3: S3) -> Blobs:
    """One bucket for all: names of blobs are random, so no test sees another's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment.items():
            patch.setenv(name, value)
        bucket = Bucket(s3.bucket(), s3.endpoint)
        return ObstoreBlobs(bucket, Boto3Blobs(bucket))


@pytest.fixture
def tree(storage: Storage) -> Tree:
    return storage.tree("alice")
