"""Running the whole HTTP suite on object storage: which settings a test's server gets.

    python -m testbed > engines &  . engines
    FILEHOST_TEST_STORAGE=object-postgres pytest tests/dav tests/clients

Kinds: `object-sqlite` (a folder for a bucket), `object-s3` (S3 and SQLite), `object-postgres` (S3 and
PostgreSQL). Every server has a bucket and a database of its own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from testbed.postgres import Postgres
from testbed.seaweedfs import S3

KIND = os.environ.get("FILEHOST_TEST_STORAGE", "local")


def settings(data: Path) -> dict[str, str]:
    """The settings of a server on `data`; the same each time for the same folder."""
    if KIND == "local":
        return {}
    noted = data.with_name(data.name + ".elsewhere.json")
    if not noted.exists():
        noted.write_text(json.dumps(_new(data)))
    found: dict[str, str] = json.loads(noted.read_text())
    return found


def _new(data: Path) -> dict[str, str]:
    made = {"FILEHOST_STORAGE_KIND": "object"}
    if KIND == "object-sqlite":
        return {**made, "FILEHOST_OBJECT_CLIENT": "folder", "FILEHOST_OBJECT_BUCKET": str(data / "bucket")}
    s3 = S3(None, *os.environ["FILEHOST_TEST_S3"].split())
    made |= {**s3.environment, "FILEHOST_OBJECT_BUCKET": s3.bucket(), "FILEHOST_OBJECT_ENDPOINT": s3.endpoint}
    if KIND == "object-postgres":
        made["FILEHOST_DATABASE_URL"] = Postgres.at(os.environ["FILEHOST_TEST_POSTGRES"]).database()
    return made
