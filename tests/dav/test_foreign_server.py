"""The DAV application alone under waitress, mounted at two URLs: what it does without our HTTP layer.

That the whole server is right under waitress, the suites of the wire show (`harness.ways`).
"""

from __future__ import annotations

import io
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
from filehost_dav.dav.bodies import body_of, read_whole
from filehost_dav.errors import BadBody
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


@pytest.mark.parametrize("ends", [{}, {"wsgi.input_terminated": True}])
def test_an_upload_whose_end_nobody_tells_is_not_taken_for_empty(ends: dict[str, bool]) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b"whole"), **ends}
    if ends:
        assert read_whole(body_of(environ), 100) == b"whole"
    else:
        with pytest.raises(BadBody):
            body_of(environ)


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
