"""The engines as fixtures: started once for a test run, when the first test asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed import postgres as postgres_engine
from testbed import seaweedfs
from testbed.postgres import Postgres
from testbed.processes import Missing
from testbed.seaweedfs import S3


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server."""
    try:
        engine = postgres_engine.start(tmp_path_factory.mktemp("postgres"))
    except Missing as missing:
        pytest.skip(str(missing))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 engine with one server. Its credentials are not in the environment: tests pass them on."""
    try:
        engine = seaweedfs.start(tmp_path_factory.mktemp("s3"))
    except Missing as missing:
        pytest.skip(str(missing))
    yield engine
    engine.stop()
