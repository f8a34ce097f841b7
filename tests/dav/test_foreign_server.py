"""The WSGI application under waitress: slower than under our own HTTP room, and just as right."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness.dav import Client
from waitress.server import create_server

from filehost_dav.dav.application import build
from filehost_dav.policy.roles import Policy
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.home import Home
from filehost_dav.storage.local import LocalStorage

MOUNT = "/remote.php/dav/files/alice"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of waitress serving alice's tree at / and at a second URL."""
    folder = tmp_path_factory.mktemp("foreign")
    database = SqliteDatabase(folder / "state.sqlite3")
    migrate(database)
    storage = LocalStorage(folder)
    home = Home(storage.tree("alice"), Policy(extensions=None))
    dav = build(database)

    def signed_in(environ: dict[str, Any], start_response: Any) -> Any:
        environ["filehost.user"] = SimpleNamespace(name="alice")
        environ["filehost.home"] = home
        if environ["PATH_INFO"].startswith(MOUNT):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = MOUNT, environ["PATH_INFO"].removeprefix(MOUNT)
        return dav(environ, start_response)

    server = create_server(signed_in, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server.effective_port
    server.close()
    thread.join(5)
    server.task_dispatcher.shutdown()
    storage.close()
    database.close()


@pytest.fixture
def client(foreign: int) -> Iterator[Client]:
    here: Any = SimpleNamespace(port=foreign, scheme="http", url=f"http://127.0.0.1:{foreign}")
    with Client(here) as connection:
        for path in connection.names("/"):
            connection("DELETE", f"/{path}")
        yield connection


def test_files_go_in_and_come_back(client: Client) -> None:
    body = bytes(range(256)) * 3000
    assert client.put("/a.bin", body).status == 201
    assert client("PUT", "/b.bin", iter([body[:1000], body[1000:]])).status == 201
    assert client.get("/a.bin").body == client.get("/b.bin").body == body
    assert client.get("/a.bin", Range="bytes=100-199").body == body[100:200]
    assert b"Content-Range: bytes 0-0/768000" in client.get("/a.bin", Range="bytes=0-0,5-5").body
    head = client("HEAD", "/a.bin")
    assert (head.status, head["Content-Length"], head.body) == (200, str(len(body)), b"")
    assert client.get("/a.bin", If_None_Match=head.etag).status == 304


def test_a_whole_session(client: Client) -> None:
    assert client("MKCOL", "/folder").status == 201
    token = client.lock("/folder/a.txt").lock_token
    assert client.put("/folder/a.txt", b"x").status == 423
    assert client("PUT", "/folder/a.txt", b"x", {"If": f"(<{token}>)"}).status == 204
    assert client.unlock("/folder/a.txt", token).status == 204
    assert client.copy("/folder", "/other").status == 201
    assert client.move("/other", "/third").status == 201
    assert client.names("/third") == {"a.txt"}
    assert client("DELETE", "/folder").status == 204
    assert client.get("/none").status == 404
    assert client("PUT", "/x.txt", b"x", {"OC-Checksum": "SHA1:" + "0" * 40}).status == 400
    assert client("OPTIONS", "/").status == 200


def test_a_large_listing_is_whole(client: Client) -> None:
    client("MKCOL", "/many")
    for number in range(300):
        client.put(f"/many/{number}.txt")
    assert client.names("/many") == {f"{number}.txt" for number in range(300)}


def test_a_broken_upload_is_not_stored(client: Client, foreign: int) -> None:
    client.put("/a.txt", b"old")
    with socket.create_connection(("127.0.0.1", foreign), timeout=10) as connection:
        connection.sendall(b"PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert client.get("/a.txt").body == b"old"


def test_one_tree_at_two_urls_is_one_tree(client: Client) -> None:
    client.put(f"{MOUNT}/a b.txt".replace(" ", "%20"), b"x")
    assert client.get("/a%20b.txt").body == b"x"
    token = client.lock("/a%20b.txt").lock_token
    refused = client.put(f"{MOUNT}/a%20b.txt", b"y")
    assert refused.status == 423
    assert f"<d:href>{MOUNT}/a%20b.txt</d:href>".encode() in refused.body
    condition = f"<{client.url(MOUNT)}/a%20b.txt> (<{token}>)"
    assert client("PUT", f"{MOUNT}/a%20b.txt", b"y", {"If": condition}).status == 204
    paths = client.propfind(MOUNT + "/").paths
    assert paths == {MOUNT + "/", MOUNT + "/a b.txt"}
    client.unlock("/a%20b.txt", token)
    assert client.move(f"{MOUNT}/a%20b.txt", f"{MOUNT}/c.txt").status == 201
    assert client.move(f"{MOUNT}/c.txt", "/outside.txt").status == 502
    assert client.names("/") == {"c.txt"}


def test_a_fault_of_the_program_is_answered_with_its_number_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = SqliteDatabase(tmp_path / "state.sqlite3")
    migrate(database)
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/a.txt",
        "filehost.user": SimpleNamespace(name="alice"),
        "filehost.home": None,  # whatever is asked of it fails
        "filehost.request_id": "q7",
    }
    body = b"".join(build(database)(environ, lambda status, headers: said.append(status)))
    assert said == ["500 Internal Server Error"]
    assert b"q7" in body
    assert not re.search(rb"Traceback|\.py|NoneType", body)
    assert "q7" in caplog.text
    database.close()
