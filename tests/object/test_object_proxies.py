"""The proxies of docs/growing.md in front of two nodes: the examples as they stand there, on other ports."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.dav import Client, through_proxy
from harness.server import REPOSITORY, Account, Server
from testbed.postgres import Postgres
from testbed.processes import free_ports

GROWING = REPOSITORY / "docs" / "growing.md"
pytestmark = [pytest.mark.postgres, pytest.mark.clients]
Nodes = tuple[Server, Server, Account]


@pytest.fixture(scope="module", params=["object", "local"])
def nodes(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nodes]:
    """Two nodes on one database, with one bucket or one shared folder."""
    folder = tmp_path_factory.mktemp("nodes")
    settings = {
        "FILEHOST_STORAGE_KIND": request.param,
        "FILEHOST_STORAGE_WATCH": "false",
        "FILEHOST_OBJECT_CLIENT": "folder",
        "FILEHOST_OBJECT_BUCKET": str(folder / "bucket"),
        "FILEHOST_DATABASE_URL": postgres.database(),
        "FILEHOST_SERVER_WORKERS": "2",
        "FILEHOST_SERVER_PROXIES": "127.0.0.1",
    }
    places = ["shared", "shared"] if request.param == "local" else ["one", "two"]
    with contextlib.ExitStack() as running:
        one, two = [running.enter_context(_running(folder / place, settings)) for place in places]
        yield one, two, one.add_user("alice")


@contextlib.contextmanager
def _running(data: Path, settings: dict[str, str]) -> Iterator[Server]:
    server = Server(data, settings).start()
    try:
        yield server
    finally:
        server.stop()


def example(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```", GROWING.read_text(), re.DOTALL)
    assert found
    return found[1]


def on_ports(text: str, one: Server, two: Server) -> str:
    return text.replace("10.0.0.11:8080", f"127.0.0.1:{one.port}").replace(
        "10.0.0.12:8080", f"127.0.0.1:{two.port}"
    )


def nginx(folder: Path, port: int, one: Server, two: Server) -> list[str]:
    site = on_ports(example("nginx"), one, two).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    site = re.sub(r".*ssl_certificate.*\n", "", site)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; daemon off; error_log {folder}/error.log; events {{}}"
        f" http {{ access_log off; {temporary}\n{site} }}"
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-p", str(folder)]


def caddy(folder: Path, port: int, one: Server, two: Server) -> list[str]:
    site = on_ports(example("caddy"), one, two).replace("files.example.org", f"http://127.0.0.1:{port}")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, nodes: Nodes, tmp_path: Path) -> Iterator[Client]:
    """A client of the two nodes through a proxy."""
    one, two, account = nodes
    (port,) = free_ports(1)
    make: Callable[..., list[str]] = request.param
    command = make(tmp_path, port, one, two)
    if not shutil.which(command[0], path="/usr/sbin:/usr/bin:/usr/local/bin"):
        pytest.skip(f"{command[0]} is missing: apt-get install {command[0]}")
    environment = {"PATH": "/usr/sbin:/usr/bin:/usr/local/bin", "HOME": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        proxy = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    with through_proxy(one, port, account) as client:
        yield client
    proxy.terminate()
    proxy.wait(10)


def test_what_one_node_stores_every_node_gives(front: Client) -> None:
    front("MKCOL", "/folder")
    for number in range(10):
        assert front.put(f"/folder/{number}.txt", b"%d" % number).status in (201, 204)
        assert front.get(f"/folder/{number}.txt").body == b"%d" % number
    assert len(front.names("/folder")) == 10
    assert front.move("/folder", "/moved").status == 201
    assert front.names("/moved") == {f"{number}.txt" for number in range(10)}
    assert front("DELETE", "/moved").status == 204


def test_a_lock_of_one_node_holds_on_all(front: Client, nodes: Nodes) -> None:
    one, two, account = nodes
    front.put("/locked.txt", b"mine")
    token = front.lock("/locked.txt").lock_token
    for node in (one, two):
        with Client(node, account) as other:
            assert other.put("/locked.txt", b"theirs").status == 423
    assert front.put("/locked.txt", b"still mine", If=f"(<{token}>)").status == 204
    front.unlock("/locked.txt", token)
    assert front("DELETE", "/locked.txt").status == 204


def test_a_large_file_passes_both_ways(front: Client) -> None:
    content = bytes(range(256)) * 80_000
    assert front.put("/large.txt", [content[:1_000_000], content[1_000_000:]]).status == 201
    assert front.get("/large.txt").body == content
    assert front("DELETE", "/large.txt").status == 204
