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
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import quote

import pytest
from harness.dav import Client
from harness.drives import davfs2, rclone_environment, wait_until
from harness.programs import program
from harness.server import Account, Server
from testbed.processes import free_port

from filehost_dav.checkup import GOOD
from filehost_dav.errors import Unavailable
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


def traefik(folder: Path, text: str) -> list[str]:
    """Its static configuration is the comment at the head of the file."""
    lines = [line.removeprefix("#")[3:] for line in text.splitlines() if line.startswith("#   ")]
    dynamic, static = folder / "dynamic.yaml", folder / "static.yaml"
    dynamic.write_text(text)
    static.write_text(
        "\n".join(lines) + f"\nproviders:\n  file: {{filename: {dynamic}, watch: false}}\n"
        "global: {checkNewVersion: false, sendAnonymousUsage: false}\n"
    )
    return [program("traefik") or "", f"--configFile={static}"]


KINDS: dict[str, tuple[str, Callable[[Path, str], list[str]]]] = {
    "nginx": ("nginx.conf", nginx),
    "apache2": ("apache.conf", apache2),
    "caddy": ("Caddyfile", caddy),
    "traefik": ("traefik.yaml", traefik),
}


@dataclass
class Proxied:
    """A server and the proxy before it, as one server for a client."""

    port: int
    server: Server
    process: subprocess.Popen[bytes]
    certificate: Path
    kind: str
    scheme: str = "https"

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@pytest.fixture(scope="module", params=KINDS)
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    kind: str = request.param
    if program(kind) is None:
        pytest.skip(f"{kind} is not installed")
    folder = tmp_path_factory.mktemp(kind)
    folder.chmod(0o755)
    settings = {"FILEHOST_SERVER_WORKERS": "1", "FILEHOST_SERVER_PROXIES": "127.0.0.1"}
    server = Server(folder / "data", settings).start()
    name, command = KINDS[kind]
    port = free_port()
    text = adapted((PROXIES / name).read_text(), folder, port, server.port)
    with running(command(folder, text), folder, port) as process:
        yield Proxied(port, server, process, folder / "tls" / "certificate.pem", kind)
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
    text = text.replace('":443"', f'"127.0.0.1:{port}"').replace(
        "tls:\n        certResolver: letsencrypt", "tls: {}"
    )
    if "routers:" in text:
        text = text.replace("Host(`files.example.org`)", "Host(`localhost`) || Host(`127.0.0.1`)")
        text += f"tls: {{certificates: [{{certFile: {made.certificate}, keyFile: {made.key}}}]}}\n"
    return text.replace("files.example.org", "localhost")


def trusting() -> ssl.SSLContext:
    """Any certificate will do."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "HOME": str(folder)}
        )
    try:
        wait_for(port, process, folder)
        yield process
    finally:
        process.terminate()
        process.wait(15)


def wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + 20
    anybody = Visitor(f"https://localhost:{port}", timeout=5, trusting=trusting())
    while time.monotonic() < end and process.poll() is None:
        with suppress(Unavailable):
            if anybody("GET", "/.filehost/health/live").status == 200:
                return
        time.sleep(0.05)
    logs = [(folder / name).read_text() for name in ("output", "error.log") if (folder / name).exists()]
    pytest.fail("the proxy does not answer:\n" + "\n".join(logs))


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
    visitor = Visitor(f"https://127.0.0.1:{proxied.port}/", anna.name, anna.password, trusting=trusting())
    late = {"buffering"} if proxied.kind == "apache2" else set()
    assert {remark.about for remark in probe(visitor) if remark.level != GOOD} == late


def test_a_slow_client_is_waited_for(proxied: Proxied, anna: Account) -> None:
    def slowly() -> Iterator[bytes]:
        for _ in range(5):
            time.sleep(0.3)
            yield b"x"

    with Client(proxied, anna, timeout=60) as client:  # type: ignore[arg-type]
        assert client("PUT", "/slow.txt", slowly()).status == 201
        assert client("GET", "/slow.txt").body == b"xxxxx"


def test_an_upload_that_breaks_off_leaves_nothing(proxied: Proxied, anna: Account, through: Client) -> None:
    with (
        socket.create_connection(("127.0.0.1", proxied.port), timeout=20) as plain,
        trusting().wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        credentials = through._headers["Authorization"]
        head = f"PUT /half.txt HTTP/1.1\r\nHost: localhost\r\nAuthorization: {credentials}\r\n"
        sock.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b"x" * 500)
    assert through("GET", "/half.txt").status == 404


def test_a_slow_download_is_not_cut_off(proxied: Proxied, anna: Account, through: Client) -> None:
    content = os.urandom(4 * 1024 * 1024)
    assert through("PUT", "/slowly.txt", content).status == 201
    credentials = through._headers["Authorization"]
    lines = (
        "GET /slowly.txt HTTP/1.1",
        "Host: localhost",
        f"Authorization: {credentials}",
        "Connection: close",
    )
    head = "\r\n".join((*lines, "", ""))
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        plain.settimeout(30)
        plain.connect(("127.0.0.1", proxied.port))
        with trusting().wrap_socket(plain, server_hostname="localhost") as sock:
            sock.sendall(head.encode())
            got = b""
            while len(got) < len(content):
                piece = sock.recv(65536)
                assert piece, "the download was cut off"
                got += piece
                time.sleep(0.05 if len(got) < 300_000 else 0)
            while piece := sock.recv(65536):
                got += piece
    assert got.endswith(content)


@pytest.mark.parametrize("expect", [(), ("-H", "Expect:")], ids=["asks first", "sends at once"])
def test_a_large_upload_is_refused_with_its_reason(
    proxied: Proxied, anna: Account, tmp_path: Path, expect: tuple[str, ...]
) -> None:
    """Whether the client waits for 100 Continue or is in the middle of its body, it hears why."""
    big = tmp_path / "big.exe"
    with big.open("wb") as file:
        file.truncate(BIG)
    # Curl 7.88 loses the body of an answer that comes early over HTTP/2.
    command = [
        "curl",
        "-sk",
        "--http1.1",
        "--max-time",
        "60",
        "-u",
        ":".join(anna.auth),
        *expect,
        "-T",
        str(big),
    ]
    done = subprocess.run(
        [*command, "-w", "\n%{http_code}", f"{proxied.url}/"], capture_output=True, text=True, check=False
    )
    answer, _, status = done.stdout.rpartition("\n")
    assert status == "403", done
    assert ".exe" in answer


def test_a_program_that_tries_again_gives_up(proxied: Proxied, anna: Account, tmp_path: Path) -> None:
    """A refusal whose connection is torn would look like a bad network, and be tried for hours."""
    rclone = shutil.which("rclone")
    assert rclone
    folder = tmp_path / "from"
    folder.mkdir()
    with (folder / "stubborn.exe").open("wb") as file:
        file.truncate(BIG)
    done = subprocess.run(
        [rclone, "copy", "--no-check-certificate", "--retries-sleep", "0", str(folder), "dav:"],
        env=rclone_environment(proxied, anna, rclone, tmp_path),  # type: ignore[arg-type]
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert ".exe" in done.stderr
    attempts = [line for line in proxied.server.output if "method=PUT path=/stubborn.exe" in line]
    assert 1 <= len(attempts) <= 3  # as often as rclone repeats whatever failed


def test_a_drive_is_mounted_through_it(proxied: Proxied, anna: Account, tmp_path: Path) -> None:
    mounter = shutil.which("mount.davfs", path="/usr/sbin:/sbin")
    if mounter is None or os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("mounting needs davfs2, root and /dev/fuse")
    with davfs2(proxied, anna, mounter, tmp_path, proxied.certificate) as drive:  # type: ignore[arg-type]
        (drive / "mounted").mkdir()
        (drive / "mounted" / "a.txt").write_text("first")
        (drive / "mounted" / "a.txt").rename(drive / "mounted" / "Größe 1.txt")
        (drive / "b.txt.part").write_text("whole")
        (drive / "b.txt.part").rename(drive / "b.txt")
        files = proxied.server.files(anna)
        wait_until(lambda: is_text(files / "mounted" / "Größe 1.txt", "first"))
        wait_until(lambda: is_text(files / "b.txt", "whole"))
        (files / "by hand.txt").write_text("put there by hand")
        assert (drive / "by hand.txt").read_text() == "put there by hand"


@pytest.mark.slow
def test_a_gigabyte_comes_through_both_ways_and_nobody_keeps_it_in_memory(
    proxied: Proxied, anna: Account, through: Client
) -> None:
    watched = [*family(proxied.process.pid), *family(proxied.server.process.pid)]
    before = {pid: memory(pid, "VmRSS") for pid in watched}
    block, count = os.urandom(1024 * 1024), 1024
    sent, got = hashlib.sha256(), hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        for _ in range(count):
            sent.update(block)
            yield block

    connection = HTTPSConnection("127.0.0.1", proxied.port, timeout=60, context=trusting())
    signed_in = {"Authorization": through._headers["Authorization"]}
    connection.request(
        "PUT", "/gigabyte.txt", blocks(), {**signed_in, "Content-Length": str(len(block) * count)}
    )
    stored = connection.getresponse()
    assert (stored.status, stored.read()) == (201, b"")
    connection.request("GET", "/gigabyte.txt", headers=signed_in)
    answer = connection.getresponse()
    while piece := answer.read(1024 * 1024):
        got.update(piece)
    connection.close()
    assert got.digest() == sent.digest()
    grown = {pid: memory(pid, "VmHWM") - before[pid] for pid in watched}
    assert max(grown.values()) < 64 * 1024 * 1024, grown
    assert through("DELETE", "/gigabyte.txt").status == 204


def is_text(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def memory(pid: int, kind: str) -> int:
    """Bytes, by what proc(5) calls them: VmRSS is what is used now, VmHWM the most that ever was."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{kind}:")[2].split()[0]) * 1024


def family(pid: int) -> list[int]:
    """A process and all that come from it."""
    children = (Path(f"/proc/{pid}/task/{task}/children") for task in os.listdir(f"/proc/{pid}/task"))
    return [
        pid,
        *(each for found in children for child in found.read_text().split() for each in family(int(child))),
    ]


def test_files_that_nginx_sends_itself_carry_what_protects_them(
    tmp_path: Path, start_server: Callable[..., Server]
) -> None:
    server = start_server(FILEHOST_SERVER_PROXIES="127.0.0.1", FILEHOST_SERVER_SEND_FILES="x-accel-redirect")
    anna = server.add_user("anna")
    port = free_port()
    text = adapted((PROXIES / "nginx.conf").read_text(), tmp_path, port, server.port)
    text = text.replace("/var/lib/filehost-dav/files/", f"{server.data}/files/")
    with (
        running(nginx(tmp_path, text), tmp_path, port) as process,
        Client(Proxied(port, server, process, tmp_path, "nginx"), anna) as client,  # type: ignore[arg-type]
    ):
        assert client.put("/a.txt", b"content").status == 201
        sent, said = client.get("/a.txt"), client("HEAD", "/a.txt")
    assert (sent.status, sent.body) == (200, b"content")
    own = {"server", "date", "connection"}
    assert {(name, value) for name, value in said.headers.items() if name.lower() not in own} <= {
        (name, value) for name, value in sent.headers.items()
    }


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


NOTED = {"uploads held back": ("proxy_request_buffering off;", "", "buffering", "proxy_request_buffering")}


@pytest.mark.parametrize(
    ("right", "wrong", "about", "hint"), {**FAULTS, **NOTED}.values(), ids={**FAULTS, **NOTED}
)
def test_a_fault_of_the_proxy_is_found_and_named(
    tmp_path: Path, start_server: Callable[..., Server], right: str, wrong: str, about: str, hint: str
) -> None:
    server = start_server(FILEHOST_SERVER_PROXIES="127.0.0.1")
    anna = server.add_user("anna")
    port = free_port()
    text = (PROXIES / "nginx.conf").read_text()
    assert right in text
    text = adapted(text.replace(right, wrong), tmp_path, port, server.port)
    with running(nginx(tmp_path, text), tmp_path, port):
        visitor = Visitor(f"https://127.0.0.1:{port}/", anna.name, anna.password, trusting=trusting())
        found = {remark.about: remark.message for remark in probe(visitor) if remark.level != GOOD}
    assert hint in found[about]
