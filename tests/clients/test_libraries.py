"""Python's WebDAV client libraries: whole sessions."""

from __future__ import annotations

import contextlib
import io
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.server import Account, Server

pytestmark = pytest.mark.clients

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from webdav3.client import Client as WebdavClient3
    from webdav4.client import Client as WebdavClient4


@pytest.fixture
def client3(home_every_way: tuple[Server, Account]) -> Iterator[WebdavClient3]:
    server, account = home_every_way
    client = WebdavClient3(
        {"webdav_hostname": server.url, "webdav_login": account.name, "webdav_password": account.password}
    )
    client.verify = server.certificate if server.scheme == "https" else True
    with contextlib.closing(client.session):
        yield client


@pytest.fixture
def client4(home_every_way: tuple[Server, Account]) -> Iterator[WebdavClient4]:
    server, account = home_every_way
    trust = ssl.create_default_context(cafile=server.certificate if server.scheme == "https" else None)
    client = WebdavClient4(server.url, auth=account.auth, verify=trust)
    with contextlib.closing(client.http):
        yield client


def test_a_webdavclient3_session(client3: WebdavClient3, tmp_path: Path) -> None:
    client = client3
    source, target = tmp_path / "up.pdf", tmp_path / "down.pdf"
    source.write_bytes(b"%PDF-1.7 some content" * 1000)
    client.mkdir("reports")
    client.upload_sync("reports/one.pdf", str(source))
    assert client.check("reports/one.pdf")
    assert "one.pdf" in client.list("reports")
    client.copy("reports/one.pdf", "reports/two.pdf")
    client.move("reports/two.pdf", "reports/three.pdf")
    assert not client.check("reports/two.pdf")
    client.download_sync("reports/three.pdf", str(target))
    assert target.read_bytes() == source.read_bytes()
    client.set_property("reports/one.pdf", {"namespace": "urn:test", "name": "colour", "value": "blue"})
    assert client.get_property("reports/one.pdf", {"namespace": "urn:test", "name": "colour"}) == "blue"
    assert int(client.info("reports/one.pdf")["size"]) == source.stat().st_size
    assert client.free() > 0
    client.clean("reports")
    assert not client.check("reports")


def test_a_webdav4_session(client4: WebdavClient4) -> None:
    client = client4
    client.mkdir("a")
    client.upload_fileobj(io.BytesIO(b"hello"), "a/hello.txt")
    assert client.exists("a/hello.txt")
    assert client.content_length("a/hello.txt") == 5
    assert client.etag("a/hello.txt")
    client.copy("a/hello.txt", "a/copy.txt")
    client.move("a/copy.txt", "a/moved.txt")
    assert sorted(entry["name"] for entry in client.ls("a", detail=True)) == ["a/hello.txt", "a/moved.txt"]
    with client.open("a/moved.txt") as file:
        assert file.read() == "hello"
    client.remove("a")
    assert not client.exists("a")
