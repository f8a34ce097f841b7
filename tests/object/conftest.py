"""Databases, buckets and storages of every kind, for what only object storage promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.seaweedfs import S3

from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.blobs import Blobs
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs

BLOBS = ("folder", pytest.param("obstore", marks=pytest.mark.s3), pytest.param("boto3", marks=pytest.mark.s3))
DATABASES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A new bucket; the credentials are where a client's own chain finds them."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return Bucket(s3.bucket(), s3.endpoint)


@pytest.fixture(params=BLOBS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """An empty store of each kind."""
    if request.param == "folder":
        return FolderBlobs(tmp_path / "bucket")
    bucket = request.getfixturevalue("bucket")
    control = Boto3Blobs(bucket)
    return control if request.param == "boto3" else ObstoreBlobs(bucket, control)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each engine, with its tables."""
    made: Database = SqliteDatabase(tmp_path / "state.sqlite3")
    if request.param == "postgres":
        made = PostgresDatabase(request.getfixturevalue("postgres").database())
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def folder_blobs(tmp_path: Path) -> FolderBlobs:
    """A store in a folder, for tests whose promise is about the rows."""
    return FolderBlobs(tmp_path / "bucket")


@pytest.fixture
def storage(database: Database, folder_blobs: FolderBlobs) -> ObjectStorage:
    """Object storage on each database, with contents in a folder."""
    return ObjectStorage(database, folder_blobs)
