"""The engines that object storage is measured on: one S3 server, and a PostgreSQL that waits for the disk."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from testbed import postgres as postgres_engine
from testbed import seaweedfs
from testbed.postgres import Postgres
from testbed.seaweedfs import S3


@contextlib.contextmanager
def engines() -> Iterator[tuple[Path, S3, Postgres]]:
    """A folder for the run, and both engines; the store's credentials are in the environment from now on."""
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home.chmod(0o711)
        for name in ("s3", "postgres"):
            (home / name).mkdir()
        s3 = seaweedfs.start(home / "s3")
        stack.callback(s3.stop)
        os.environ |= s3.environment
        postgres = postgres_engine.start(home / "postgres", durable=True)
        stack.callback(postgres.stop)
        yield home, s3, postgres
