"""The engines as fixtures: started once for a test run, when the first test asks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import postgres as postgres_engine
from testbed import seaweedfs
from testbed.postgres import Postgres
from testbed.processes import Missing
from testbed.seaweedfs import S3


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    # Not below pytest's own folder: nobody but root may enter that, and PostgreSQL does not run as root.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as home:
        try:
            engine = postgres_engine.start(Path(home))
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
