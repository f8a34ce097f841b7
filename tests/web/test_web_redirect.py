"""Plain HTTP before a server with a certificate: browsers are sent on, programs are told, nobody signs in."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.raw import Answer, Raw, request
from harness.server import Account, Server

BASIC = "Authorization: Basic " + base64.b64encode(b"anna:secret").decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server at HTTPS that also redirects."""
    settings = {
        "FILEHOST_SERVER_WORKERS": "2",
        "FILEHOST_TLS_SELF_SIGNED": "true",
        "FILEHOST_TLS_REDIRECT_FROM": "127.0.0.1:0",
        "FILEHOST_LIMITS_HEAD_TIME": "1 s",
    }
    running = Server(tmp_path_factory.mktemp("data"), settings).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def anna(server: Server) -> Account:
    return server.add_user("anna", password="clear-text-secret")


@pytest.fixture(scope="module")
def plain(server: Server) -> int:
    """The port of plain HTTP."""
    return port_of_plain_http(server)


def ask(port: int, method: str, target: str, *fields: str) -> Answer:
    lines = (f"{method} {target} HTTP/1.1", *fields, "", "")
    with Raw(port) as client:
        return client.ask("\r\n".join(lines).encode("latin-1"))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("target", "sent_to"),
    [
        ("/", "/"),
        ("/a/b%20c.txt?x=1&y=%2F", "/a/b%20c.txt?x=1&y=%2F"),
        ("//evil.example/", "//evil.example/"),
        ("/%0d%0aSet-Cookie:%20a=b", "/%0D%0ASet-Cookie:%20a=b"),
        ("/Gr%C3%B6%C3%9Fe.txt", "/Gr%C3%B6%C3%9Fe.txt"),
        ("/100%25%23.txt", "/100%25%23.txt"),
        ("/.filehost/health/live", "/.filehost/health/live"),
        ("http://localhost/absolute", "/absolute"),
    ],
)
def test_a_browser_is_sent_on_to_the_same_place(
    plain: int, server: Server, method: str, target: str, sent_to: str
) -> None:
    answer = ask(plain, method, target, "Host: localhost:8000")
    assert answer.status == 308
    assert answer.headers["location"] == f"https://localhost:{server.port}{sent_to}"
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("files.example.org", "files.example.org"),
        ("files.example.org:80", "files.example.org"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
    ],
)
def test_it_leads_to_the_host_that_was_asked_for(plain: int, server: Server, host: str, named: str) -> None:
    assert ask(plain, "GET", "/", f"Host: {host}").headers["location"] == f"https://{named}:{server.port}/"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "evil.example/x",
        "user@evil.example",
        "a%0d%0ab",
        "x" * 300,
        "a!b",
        "e\\.example.org",
    ],
)
def test_what_is_no_host_leads_nowhere(plain: int, host: str) -> None:
    answer = ask(plain, "GET", "/", f"Host: {host}")
    assert answer.status == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize("method", ["OPTIONS", "PROPFIND", "PUT", "DELETE", "MKCOL", "MOVE", "LOCK", "POST"])
@pytest.mark.parametrize("credentials", [(), (BASIC,)], ids=["anonymous", "signed in"])
def test_programs_are_told_and_never_asked_for_a_password(
    plain: int, method: str, credentials: tuple[str, ...]
) -> None:
    answer = ask(plain, method, "/a.txt", "Host: localhost", "Content-Length: 0", *credentials)
    assert (answer.status, answer.reason) == (403, "Use https")
    assert b"https://localhost" in answer.body
    assert not {"location", "www-authenticate", "dav"} & set(answer.headers)


def test_a_password_in_the_clear_is_not_led_on(plain: int) -> None:
    """Who follows would send it in the clear each time, and nobody would notice."""
    answer = ask(plain, "GET", "/", "Host: localhost", BASIC)
    assert answer.status == 403
    assert b"crossed the network in the clear" in answer.body
    assert "location" not in answer.headers


def test_nothing_else_is_served_there(plain: int, server: Server, anna: Account) -> None:
    credentials = base64.b64encode(f"{anna.name}:{anna.password}".encode()).decode()
    for target in ("/", "/.filehost/health/ready", "/.filehost/trash/", "/.filehost/assets/page.js"):
        answer = ask(plain, "GET", target, "Host: localhost", f"Authorization: Basic {credentials}")
        assert answer.status == 403
    assert anna.password not in server.log


def test_a_body_is_not_read(plain: int) -> None:
    with Raw(plain) as client:
        client.send(request("PUT", "/a.txt", "Content-Length: 1000000000") + bytes(1000))
        assert client.answer().status == 403
        assert client.is_closed(5)


def test_a_head_that_does_not_end_is_let_go(plain: int) -> None:
    with Raw(plain) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: loc")
        assert client.answer().status == 408
        assert client.is_closed(5)


def test_a_configured_host_is_where_it_leads(tmp_path: Path) -> None:
    settings = {"FILEHOST_TLS_REDIRECT_FROM": "127.0.0.1:0", "FILEHOST_TLS_REDIRECT_TO": "files.example.org"}
    server = Server(tmp_path / "data", settings, ("--tls", "self-signed")).start()
    try:
        answer = ask(port_of_plain_http(server), "GET", "/a", "Host: evil.example")
        assert answer.headers["location"] == "https://files.example.org/a"
    finally:
        server.stop()


@pytest.mark.clients
def test_rclone_says_what_to_do_and_gets_nothing(plain: int, anna: Account, tmp_path: Path) -> None:
    rclone = shutil.which("rclone")
    if rclone is None:
        pytest.skip("rclone is not installed")
    obscured = subprocess.run([rclone, "obscure", anna.password], capture_output=True, text=True, check=True)
    settings = {
        "HOME": str(tmp_path),
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": f"http://localhost:{plain}",
        "RCLONE_CONFIG_DAV_VENDOR": "owncloud",
        "RCLONE_CONFIG_DAV_USER": anna.name,
        "RCLONE_CONFIG_DAV_PASS": obscured.stdout.strip(),
    }
    listed = subprocess.run(
        [rclone, "lsf", "dav:", "--retries", "1", "--low-level-retries", "1"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert listed.returncode != 0
    assert "Use https://localhost" in listed.stderr


def port_of_plain_http(server: Server) -> int:
    server.wait_for_log("are sent on to https")
    found = re.search(r"http://127\.0\.0\.1:(\d+)/ are sent on", server.log)
    assert found is not None
    return int(found[1])
