"""Keep the engines up until interrupted: `cd tests && python -m testbed [--nodes 3]` says how."""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from pathlib import Path

from testbed import postgres, seaweedfs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1, help="SeaweedFS volume servers")
    parser.add_argument(
        "--durable", action="store_true", help="PostgreSQL waits for the disk, as in production"
    )
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with tempfile.TemporaryDirectory(prefix="testbed-") as name:
        Path(name).chmod(0o711)  # PostgreSQL does not run as root and must get through
        homes = [Path(name) / part for part in ("seaweedfs", "postgres")]
        for home in homes:
            home.mkdir(parents=True)
        s3 = seaweedfs.start(homes[0], nodes=options.nodes)
        database = postgres.start(homes[1], durable=options.durable)
        for variable, value in s3.environment.items():
            print(f"export {variable}={value}")
        print(f"export FILEHOST_STORAGE_KIND=object FILEHOST_OBJECT_BUCKET={s3.bucket()}")
        print(f"export FILEHOST_OBJECT_ENDPOINT={s3.endpoint}")
        print(f"export FILEHOST_DATABASE_URL={database.url}")
        print(f"export FILEHOST_TEST_S3='{s3.endpoint} {s3.key} {s3.secret}'")
        print(f"export FILEHOST_TEST_POSTGRES={database.url}", flush=True)
        done.wait()
        database.stop()
        s3.stop()


if __name__ == "__main__":
    main()
