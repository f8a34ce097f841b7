"""A storage of each kind, so that one suite keeps the contract for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from testbed.seaweedfs import S3

from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.local.plain import PlainFolder, open_root
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.blobs import Blobs
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.object.obstore_blobs import ObstoreBlobs
from filehost_dav.storage.tree import Storage, Tree

KINDS = (
    "local",
    pytest.param("local-plain", marks=pytest.mark.slow),
    "object-sqlite",
    pytest.param("object-postgres", marks=pytest.mark.postgres),
    pytest.param("object-s3", marks=pytest.mark.s3),
)

MakeStorage = Callable[..., Storage]


class Clock:
    """A clock that tests set forward by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead

    def forward(self, *, days: float) -> None:
        self.ahead += int(days * 86_400 * 1_000_000_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=KINDS)
def make_storage(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[MakeStorage]:
    """Makes a storage with the settings given: `quota` (bytes for everybody), `largest`."""
    made: list[Storage | Database] = []

    def make(*, quota: int | None = None, largest: int | None = None) -> Storage:
        if request.param.startswith("local"):
            made.append(
                LocalStorage(
                    tmp_path / "data",
                    durability="none",
                    quota=lambda _user: quota,
                    largest=largest,
                    clock=clock,
                    open_root=PlainFolder.at if request.param == "local-plain" else open_root,
                )
            )
        else:
            database: Database = SqliteDatabase(tmp_path / "state.sqlite3")
            if request.param == "object-postgres":
                database = PostgresDatabase(request.getfixturevalue("postgres").database())
            migrate(database)
            made.append(database)
            in_s3 = request.param == "object-s3"
            made.append(
                ObjectStorage(
                    database,
                    request.getfixturevalue("s3_blobs") if in_s3 else FolderBlobs(tmp_path / "bucket"),
                    quota=lambda _user: quota,
                    largest=largest,
                    clock=clock,
                )
            )
        return made[-1]  # type: ignore[return-value]

    yield make
    for one in reversed(made):
        one.close()


@pytest.fixture
def storage(make_storage: MakeStorage) -> Storage:
    return make_storage()


@pytest.fixture(scope="session")
def s3_blobs(s3: S3) -> Blobs:
    """One bucket for all: names of blobs are random, so no test sees another's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment.items():
            patch.setenv(name, value)
        bucket = Bucket(s3.bucket(), s3.endpoint)
        blobs = ObstoreBlobs(bucket, Boto3Blobs(bucket))
        blobs.abort("nothing")  # the control client reads the credentials when it is first used
        return blobs


@pytest.fixture
def tree(storage: Storage) -> Tree:
    return storage.tree("alice")
