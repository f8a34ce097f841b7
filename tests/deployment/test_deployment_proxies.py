"""The proxy files of docs/deployment, run for real in front of a server: what clients need comes through."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from harness.dav import Client
from harness.server import Account, Server

from filehost_dav.checkup import GOOD, PROBLEM
from filehost_dav.http.self_signed import self_signed
from filehost_dav.probe import Visitor, probe

PROXIES = Path(__file__).resolve().parents[2] / "docs" / "deployment" / "proxies"
BIG = 40 * 1024 * 1024  # bytes, more than any proxy takes by default

pytestmark = pytest.mark.clients


def nginx(folder: Path, text: str) -> list[str]:
    main = folder / "main.conf"
    main.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;\n"
        f"scgi_temp_path {folder}/s;\n{text}\n}}\n"
    )
    return ["nginx", "-e", f"{folder}/error.log", "-c", str(main)]


def apache2(folder: Path, text: str) -> list[str]:
    modules = "mpm_event authz_core ssl socache_shmcb proxy proxy_http headers reqtimeout"
    port = re.search(r"VirtualHost \*:(\d+)", text)
    assert port is not None
    main = folder / "main.conf"
    main.write_text(
        "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules.split()
        )
        + f"ServerName localhost\nPidFile {folder}/pid\nErrorLog {folder}/error.log\n"
        f"DefaultRuntimeDir {folder}\nListen 127.0.0.1:{port[1]}\n{text}\n"
    )
    return ["apache2", "-D", "FOREGROUND", "-f", str(main)]


def caddy(folder: Path, text: str) -> list[str]:
    main = folder / "Caddyfile"
    main.write_text(
        "{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system "
        + f"{folder}/caddy\n}}\n"
        + text
    )
    return ["caddy", "run", "--config", str(main), "--adapter", "caddyfile"]


KINDS: dict[str, tuple[str, Callable[[Path, str], list[str]]]] = {
    "nginx": ("nginx.conf", nginx),
    "apache2": ("apache.conf", apache2),
    "caddy": ("Caddyfile", caddy),
}


@dataclass
class Proxied:
    """A server and the proxy before it, as one server for a client."""

    port: int
    server: Server
    scheme: str = "https"

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@pytest.fixture(scope="module", params=KINDS)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    kind: str = request.param
    if shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed")
    folder = tmp_path_factory.mktemp(kind)
    folder.chmod(0o755)
    settings = {"FILEHOST_SERVER_WORKERS": "1", "FILEHOST_SERVER_PROXIES": "127.0.0.1"}
    server = Server(folder / "data", settings).start()
    name, command = KINDS[kind]
    port = free_port()
    text = adapted((PROXIES / name).read_text(), folder, port, server.port)
    with running(command(folder, text), folder, port):
        yield Proxied(port, server)
    server.stop()


def adapted(text: str, folder: Path, port: int, behind: int) -> str:
    """The file as it is, for this machine: ports, names and certificates."""
    made = self_signed(folder / "tls", "localhost")
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{behind}")
    text = re.sub(r"/etc/letsencrypt/\S+fullchain.pem", str(made.certificate), text)
    text = re.sub(r"/etc/letsencrypt/\S+privkey.pem", str(made.key), text)
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("*:443", f"*:{port}")
    text = re.sub(
        r"^files\.example\.org \{",
        f"https://localhost:{port}, https://127.0.0.1:{port} {{\n\ttls {made.certificate} {made.key}",
        text,
        flags=re.M,
    )
    return text.replace("files.example.org", "localhost")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "HOME": str(folder)}
        )
    try:
        wait_for(port, process, folder)
        yield
    finally:
        process.terminate()
        process.wait(15)


def wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    logs = [(folder / name).read_text() for name in ("output", "error.log") if (folder / name).exists()]
    pytest.fail("the proxy does not listen:\n" + "\n".join(logs))


@pytest.fixture(scope="module")
def anna(proxied: Proxied) -> Account:
    return proxied.server.add_user("anna")


@pytest.fixture
def through(proxied: Proxied, anna: Account) -> Iterator[Client]:
    """Anna's connection through the proxy."""
    with Client(proxied, anna, timeout=60) as client:  # type: ignore[arg-type]
        yield client


def test_a_large_upload_and_its_download_come_through(through: Client) -> None:
    content = os.urandom(BIG)
    assert through("PUT", "/big.txt", content).status == 201
    assert hashlib.sha256(through("GET", "/big.txt").body).digest() == hashlib.sha256(content).digest()


def test_an_upload_without_length_comes_through(through: Client) -> None:
    assert through("PUT", "/chunked.txt", iter([b"one", b"two"])).status == 201
    assert through("GET", "/chunked.txt").body == b"onetwo"


def test_a_refused_upload_is_refused_with_its_reason(through: Client) -> None:
    answer = through("PUT", "/virus.exe", b"x" * 100)
    assert answer.status == 403
    assert ".exe" in answer.message


def test_every_method_and_its_headers_come_through(through: Client) -> None:
    assert through("OPTIONS", "/")["DAV"].startswith("1, 2, 3")
    assert through("MKCOL", "/folder").status == 201
    assert through.put("/a.txt", b"x").status == 201
    assert through.move("/a.txt", "/folder/b.txt").status == 201
    assert through.copy("/folder/b.txt", "/c.txt").status == 201
    assert through.propfind("/folder/", "1").paths == {"/folder/", "/folder/b.txt"}
    lock = through.lock("/c.txt")
    assert lock.status == 200
    assert through.put("/c.txt", b"y").status == 423
    assert through.unlock("/c.txt", lock.lock_token).status == 204
    assert through("DELETE", "/folder").status == 204


@pytest.mark.parametrize(
    "name", ["Größe 1.txt", "a%2Fb.txt", "100%.txt", "a+b&c;d.txt", "#[x].txt", "café.txt"]
)
def test_a_name_arrives_as_it_was_sent(through: Client, name: str) -> None:
    path = "/" + quote(name, safe="")
    assert through.put(path, b"x").status == 201
    assert name in through.names("/")
    assert through("DELETE", path).status == 204


def test_the_client_s_address_is_seen_and_a_forged_one_is_not(proxied: Proxied) -> None:
    with Client(proxied, Account("nobody", "x")) as client:  # type: ignore[arg-type]
        client("GET", "/", headers={"X-Forwarded-For": "203.0.113.9"})
    proxied.server.wait_for_log("Sign-in refused from 127.0.0.1 for user")
    assert "203.0.113.9" not in proxied.server.log


def test_seen_from_outside_everything_works(proxied: Proxied, anna: Account) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    visitor = Visitor(f"https://127.0.0.1:{proxied.port}/", anna.name, anna.password, trusting=trusting)
    assert {remark.level for remark in probe(visitor)} == {GOOD}


def test_a_slow_client_is_waited_for(proxied: Proxied, anna: Account) -> None:
    def slowly() -> Iterator[bytes]:
        for _ in range(5):
            time.sleep(0.3)
            yield b"x"

    with Client(proxied, anna, timeout=60) as client:  # type: ignore[arg-type]
        assert client("PUT", "/slow.txt", slowly()).status == 201
        assert client("GET", "/slow.txt").body == b"xxxxx"


def test_an_upload_that_breaks_off_leaves_nothing(proxied: Proxied, anna: Account, through: Client) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", proxied.port), timeout=20) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        credentials = through._headers["Authorization"]
        head = f"PUT /half.txt HTTP/1.1\r\nHost: localhost\r\nAuthorization: {credentials}\r\n"
        sock.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b"x" * 500)
    assert through("GET", "/half.txt").status == 404


# What an operator may have left out or put in, and what is said about it.
FAULTS = {
    "the default limit": ("client_max_body_size 0;", "", "large files", "client_max_body_size"),
    "a blocked method": (
        "location / {",
        "location / { if ($request_method = MOVE) { return 405; }",
        "copy and move",
        "MOVE to",
    ),
    "error pages": (
        "location / {",
        "error_page 404 /none; location = /none { return 404; } location / { proxy_intercept_errors on;",
        "refusals",
        "error pages",
    ),
    "a dropped header": ("location / {", 'location / { proxy_set_header If "";', "locks", "If header"),
}


@pytest.mark.parametrize(("right", "wrong", "about", "hint"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_proxy_is_found_and_named(
    tmp_path: Path, start_server: Callable[..., Server], right: str, wrong: str, about: str, hint: str
) -> None:
    server = start_server(FILEHOST_SERVER_PROXIES="127.0.0.1")
    anna = server.add_user("anna")
    port = free_port()
    text = (PROXIES / "nginx.conf").read_text()
    assert right in text
    text = adapted(text.replace(right, wrong), tmp_path, port, server.port)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with running(nginx(tmp_path, text), tmp_path, port):
        visitor = Visitor(f"https://127.0.0.1:{port}/", anna.name, anna.password, trusting=trusting)
        found = {remark.about: remark.message for remark in probe(visitor) if remark.level == PROBLEM}
    assert hint in found[about]
