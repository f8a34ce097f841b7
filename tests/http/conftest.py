"""A server with the demo application, a connection to it, a certificate, a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import raw

from filehost_dav.http.tls import Certificate


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Our server with the demo application."""
    with raw.ours(raw.demo) as number:
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
