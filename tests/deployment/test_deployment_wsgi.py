"""Other WSGI servers, started by the very commands of their page."""

from __future__ import annotations

import base64
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness.dav import Client
from harness.leaks import log_file
from harness.page import SAME_SITE, Visitor
from harness.server import REPOSITORY, Server, environment
from testbed.processes import free_port

PAGE = REPOSITORY / "docs" / "deployment" / "wsgi.md"
COMMANDS = {line.split()[0]: line for line in re.findall(r"(?m)^```sh\n(.+)\n```", PAGE.read_text())}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn forks")


def begin(name: str, port: int, data: Path) -> subprocess.Popen[bytes]:
    """The command of the page, on this port, from the environment of the tests."""
    words = shlex.split(COMMANDS[name].replace("8080", str(port)))
    words[0] = str(Path(sys.executable).parent / words[0])
    with log_file().open("wb") as log:
        return subprocess.Popen(
            words,
            env=environment({"FILEHOST_STORAGE_DATA": str(data)}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("it does not listen")


@pytest.fixture(params=COMMANDS, scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    data = tmp_path_factory.mktemp("data")
    account = Server(data).add_user("alice")
    port = free_port()
    process = begin(request.param, port, data)
    try:
        await_port(port, process)
        url = f"http://127.0.0.1:{port}"
        yield SimpleNamespace(port=port, scheme="http", url=url, account=account, data=data)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def client(place: Any) -> Iterator[Client]:
    with Client(place, place.account) as connection:
        yield connection


def test_the_page_names_two_servers() -> None:
    assert set(COMMANDS) == {"waitress-serve", "gunicorn"}


def test_files_go_in_and_out_and_are_listed(client: Client, place: Any) -> None:
    large = os.urandom(3 << 20)
    assert client.put("/a%23b.txt", large).status == 201
    assert client.get("/a%23b.txt").body == large
    assert client.get("/a%23b.txt", Range="bytes=5-9").body == large[5:10]
    assert client.names("/") == {"a#b.txt"}
    assert (place.data / "files" / "alice" / "a#b.txt").read_bytes() == large
    assert client.move("/a%23b.txt", "/c.txt").status == 201
    token = client.lock("/c.txt").lock_token
    assert client("DELETE", "/c.txt").status == 423
    assert client.unlock("/c.txt", token).status == 204
    assert client("DELETE", "/c.txt").status == 204


def test_an_upload_without_a_length_arrives_whole(client: Client) -> None:
    pieces = iter([b"one ", b"two ", b"three"])
    assert client("PUT", "/chunked.txt", pieces, {"Transfer-Encoding": "chunked"}).status == 201
    assert client.get("/chunked.txt").body == b"one two three"


@pytest.mark.parametrize("head", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_broken_upload_is_not_stored(client: Client, place: Any, head: str) -> None:
    client.put("/kept.txt", b"old")
    credentials = base64.b64encode(f"{place.account.name}:{place.account.password}".encode()).decode()
    fields = f"Host: x\r\nAuthorization: Basic {credentials}\r\n{head}"
    request = f"PUT /kept.txt HTTP/1.1\r\n{fields}\r\n\r\n5\r\nshort\r\n"
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as connection:
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while connection.recv(65536):
                continue
    assert client.get("/kept.txt").body == b"old"


def test_every_process_believes_what_another_has_signed(place: Any) -> None:
    visitor = Visitor(place.port)
    assert visitor.sign_in(place.account.name, place.account.password).status == 303
    token = visitor.token()
    for number in range(8):
        form = {"token": token, "folder": f"made{number}"}
        assert visitor.post("/?plain", form, SAME_SITE).status == 303
