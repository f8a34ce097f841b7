"""The engines as fixtures: started once for a test run, when the first test asks.

    FILEHOST_TEST_S3='https://s3.example.org KEY SECRET' pytest -m s3

runs the same tests on another S3 engine, such as Ceph, and FILEHOST_TEST_POSTGRES on another PostgreSQL.
"""

from __future__ import annotations

import os
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
    if "FILEHOST_TEST_POSTGRES" in os.environ:
        yield Postgres.at(os.environ["FILEHOST_TEST_POSTGRES"])
        return
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
    if "FILEHOST_TEST_S3" in os.environ:
        yield S3(None, *os.environ["FILEHOST_TEST_S3"].split())
        return
    try:
        engine = seaweedfs.start(tmp_path_factory.mktemp("s3"))
    except Missing as missing:
        pytest.skip(str(missing))
    yield engine
    engine.stop()
