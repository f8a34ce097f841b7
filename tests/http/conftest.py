"""The applications behind the servers of these tests: each does one thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import raw

from filehost_dav.http.tls import Certificate

Environ = dict[str, Any]
Start = Callable[..., Any]


def demo(environ: Environ, start: Start) -> list[bytes]:
    """`/refuse` answers without reading; anything else echoes method, path, query and body."""
    if environ["PATH_INFO"] == "/refuse":
        return _say(start, "401 Unauthorized", b"no")
    body = environ["wsgi.input"].read()
    parts = [environ[key].encode("latin-1") for key in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")]
    return _say(start, "200 OK", b"|".join([*parts, body]))


def _say(start: Start, status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Our server with the demo application."""
    with raw.ours(demo) as number:
        yield number


@pytest.fixture
def client(port: int) -> Iterator[raw.Raw]:
    """A connection to it."""
    with raw.Raw(port) as connection:
        yield connection


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return raw.make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def some_file(tmp_path: Path) -> Path:
    """A file of 300,000 bytes, none of them alike their neighbours."""
    path = tmp_path / "some.bin"
    path.write_bytes(bytes(i * 7 % 251 for i in range(300_000)))
    return path
