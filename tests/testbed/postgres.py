"""A PostgreSQL server of the distribution's package, with a folder of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from testbed.processes import HOST, Program, free_ports, program

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_HINT = "install PostgreSQL (Debian: apt-get install postgresql)"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class Postgres:
    """A running server. Each test takes a database of its own with `database()`."""

    server: Program | None  # None when somebody else has started it
    port: int
    password: str

    @classmethod
    def at(cls, url: str) -> Postgres:
        """One that runs already."""
        parts = urlsplit(url)
        return cls(None, parts.port or 5432, parts.password or "")

    @property
    def url(self) -> str:
        return self._url_of("tests")

    def _url_of(self, role: str) -> str:
        return f"postgresql://{role}:{self.password}@{HOST}:{self.port}/postgres"

    def database(self) -> str:
        """The URL of a new, empty place for tables: a schema, and a role that sees no other.

        A database of its own would be some three hundred files to write and to remove for each test.
        """
        name = f"test_{secrets.token_hex(6)}"
        role = sql.Identifier(name)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(role, self.password)
            )
            connection.execute(sql.SQL("CREATE SCHEMA AUTHORIZATION {}").format(role))
        return self._url_of(name)

    def stop(self) -> None:
        if self.server is not None:
            self.server.end(signal.SIGINT)


def start(home: Path, *, durable: bool = False) -> Postgres:
    """A new server below `home`. `durable` waits for the disk as in production. Raises Missing."""
    initdb, postgres = (program(name, *_PLACES, hint=_HINT) for name in ("initdb", "postgres"))
    user = _unprivileged(home)
    password, port = secrets.token_hex(16), free_ports(1)[0]
    word = home / "password"
    word.write_text(password)
    if user:
        shutil.chown(word, user)
    command = [initdb, "-D", home / "data", "-U", "tests", "-A", "scram-sha-256", f"--pwfile={word}"]
    command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(
        [str(part) for part in command], cwd=home, user=user, group=user, capture_output=True, check=False
    )
    if made.returncode:
        raise RuntimeError(made.stderr.decode(errors="replace"))
    settings = () if durable else _FAST
    options = [option for setting in (*settings, "max_connections=200") for option in ("-c", setting)]
    log = home / "postgres.log"
    server = Program(
        [postgres, "-D", home / "data", "-h", HOST, "-p", port, "-k", "", *options], log, user=user
    )
    server.wait_until(lambda: "ready to accept connections" in log.read_text(errors="replace"), "PostgreSQL")
    return Postgres(server, port, password)


def _unprivileged(home: Path) -> str | None:
    """PostgreSQL refuses to run as root: the user to run it as then, with `home` made its own.

    `home` must be where that user can go.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    shutil.chown(home, "postgres", "postgres")
    return "postgres"
