"""Signing in by a header of a reverse proxy: believed from listed addresses, and from nobody else."""

from __future__ import annotations

import http.client
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.page import BROWSER, PASSWORD, SAME_SITE, between
from harness.raw import Raw
from harness.server import Server, run

from filehost_dav.accounts.users import User
from filehost_dav.http.proxies import Proxies
from filehost_dav.web.trusted_header import TrustedHeader

StartServer = Callable[..., Server]
HEADER = "Remote-User"
PROXIED = {
    "FILEHOST_HEADER_NAME": HEADER,
    "FILEHOST_HEADER_PROXIES": "127.0.0.1",
    "FILEHOST_SERVER_PROXIES": "127.0.0.0/8",
}


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()


def ask(
    server: Server,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    *,
    source: str = "127.0.0.1",
    body: bytes | None = None,
) -> Answer:
    """One request from an address of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, 20, source_address=(source, 0))
    connection.request(method, path, body, headers or {})
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


@pytest.fixture
def proxied(start_server: StartServer) -> Server:
    """A server that believes 127.0.0.1, with the user anna."""
    server = start_server(**PROXIED)
    server.add_user("anna", password=PASSWORD)
    return server


def test_a_listed_proxy_says_who_it_is_for_page_and_webdav(proxied: Server) -> None:
    assert ask(proxied, "GET", "/?plain", {**BROWSER, HEADER: "anna"}).status == 200
    assert ask(proxied, "PUT", "/a.txt", {HEADER: "anna"}, body=b"a").status == 201
    assert (proxied.files("anna") / "a.txt").read_bytes() == b"a"
    # The Authorization beside it was for the proxy.
    assert ask(proxied, "PROPFIND", "/", {HEADER: "anna", "Authorization": "Bearer of-the-proxy"}).status == 207


def test_without_the_header_a_password_is_asked_for(proxied: Server) -> None:
    assert ask(proxied, "PROPFIND", "/").status == 401
    assert ask(proxied, "PROPFIND", "/", {HEADER: ""}).status == 401
    assert ask(proxied, "GET", "/", BROWSER).headers["Location"] == "/.filehost/signin"


@pytest.mark.parametrize(
    "forged",
    [
        {HEADER: "anna"},
        {HEADER: "anna", "X-Forwarded-For": "127.0.0.1"},
        {HEADER: "anna", "X-Forwarded-For": "127.0.0.1, 127.0.0.1"},
        {HEADER: "anna", "Forwarded": "for=127.0.0.1"},
        {HEADER: "anna", "X-Real-IP": "127.0.0.1"},
        {HEADER.upper(): "anna"},
    ],
    ids=range(6),
)
def test_nobody_else_is_believed_whatever_they_say_of_their_address(
    proxied: Server, forged: dict[str, str]
) -> None:
    assert ask(proxied, "PROPFIND", "/", forged, source="127.0.0.2").status == 401
    assert ask(proxied, "PROPFIND", "/", forged).status == 207


def test_the_client_s_address_does_not_count_only_the_socket_s(proxied: Server) -> None:
    told = {HEADER: "anna", "X-Forwarded-For": "203.0.113.9"}
    assert ask(proxied, "PROPFIND", "/", told).status == 207


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Remote_User: anna"], 400),
        (["Remote-User: bert", "Remote_User: anna"], 400),
        (["Remote-User: anna", "Remote-User: anna"], 403),
        (["Remote-User: bert", "remote-user: anna"], 403),
        (["Remote-User : anna"], 400),
        (["Remote-User: anna, bert"], 403),
        (["Remote-User: ../anna"], 403),
        (["Remote-User: \xff"], 403),
        (["Connection: Remote-User", "Remote-User: anna"], 207),
    ],
    ids=range(9),
)
def test_a_header_that_can_be_read_in_two_ways_signs_nobody_in(
    proxied: Server, lines: list[str], status: int
) -> None:
    proxied.add_user("bert")
    head = "\r\n".join(["PROPFIND / HTTP/1.1", "Host: x", "Depth: 0", *lines, "", ""])
    connection = Raw(proxied.port)
    connection.send(head.encode("latin-1"))
    assert connection.answer("PROPFIND").status == status
    connection.sock.close()


def test_whoever_has_no_account_is_refused_or_gets_one(start_server: StartServer, tmp_path: Path) -> None:
    strict = start_server(data=tmp_path / "strict", **PROXIED)
    refused = ask(strict, "PROPFIND", "/", {HEADER: "carla"})
    assert (refused.status, "no account" in refused.text) == (403, True)
    assert "carla" not in run("user", "list", "--data", str(strict.data)).stdout
    making = start_server(data=tmp_path / "making", FILEHOST_HEADER_MAKE_USERS="true", **PROXIED)
    assert ask(making, "PROPFIND", "/", {HEADER: "Zoë".encode().decode("latin-1")}).status == 207
    assert "Zoë" in run("user", "list", "--data", str(making.data)).stdout
    assert ask(making, "PROPFIND", "/", {HEADER: "zoë".encode().decode("latin-1")}).status == 403
    assert ask(making, "PROPFIND", "/", {HEADER: "no name"}).status == 403
    run("user", "disable", "Zoë", "--data", str(making.data))
    assert ask(making, "PROPFIND", "/", {HEADER: "Zoë".encode().decode("latin-1")}).status == 403


def test_an_account_that_a_proxy_made_has_no_password_to_guess_or_change(start_server: StartServer) -> None:
    server = start_server(FILEHOST_HEADER_MAKE_USERS="true", **PROXIED)
    assert ask(server, "PROPFIND", "/", {HEADER: "carla"}).status == 207
    for password in ("", "!", "x"):
        with_password = {"Authorization": "Basic " + b64encode(f"carla:{password}".encode()).decode()}
        assert ask(server, "PROPFIND", "/", with_password, source="127.0.0.2").status == 401
    page = ask(server, "GET", "/.filehost/account", {**BROWSER, HEADER: "carla"}).text
    assert 'name="old"' not in page
    assert 'name="device"' in page
    token = between(page, 'name="token" value="', '"')
    form = f"token={token}&old=!&new=another-horse&again=another-horse"
    kind = {**SAME_SITE, HEADER: "carla", "Content-Type": "application/x-www-form-urlencoded"}
    answer = ask(server, "POST", "/.filehost/account", kind, body=form.encode())
    assert (answer.status, "not kept here" in answer.text) == (403, True)


def test_another_site_changes_nothing_by_the_proxy_s_own_cookie(proxied: Server) -> None:
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        for method, path in (("POST", "/.filehost/account"), ("PUT", "/a.txt"), ("DELETE", "/a.txt")):
            assert ask(proxied, method, path, {**foreign, HEADER: "anna"}, body=b"").status == 403
    silent = ask(proxied, "POST", "/.filehost/account", {HEADER: "anna"}, body=b"")
    assert (silent.status, "which page" in silent.text) == (403, True)
    unmarked = ask(proxied, "POST", "/.filehost/account", {**SAME_SITE, HEADER: "anna"}, body=b"old=a")
    assert unmarked.status == 403


@pytest.mark.parametrize(
    ("listed", "peer", "believed"),
    [
        ("unix", "", True),
        ("127.0.0.1", "", False),
        ("unix", "127.0.0.1", False),
        ("10.0.0.0/8", "10.2.3.4", True),
        ("10.0.0.0/8", "::ffff:10.2.3.4", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("::1", "nonsense", False),
    ],
)
def test_the_listed_may_be_a_socket_an_address_or_a_network(listed: str, peer: str, believed: bool) -> None:
    header = TrustedHeader(HEADER, Proxies.parse([listed]).trust, User)
    environ = {"HTTP_REMOTE_USER": "anna", "filehost.peer": peer, "REMOTE_ADDR": "10.0.0.1"}
    assert header.take(environ) == (User("anna") if believed else None)
    assert "HTTP_REMOTE_USER" not in environ


def test_check_tells_whose_word_is_believed(tmp_path: Path) -> None:
    shown = run("check", "--data", str(tmp_path / "data"), settings=PROXIED, check=False).stdout
    assert "by the header Remote-User from 127.0.0.1; whoever has no account is refused" in shown


def test_without_the_setting_the_header_means_nothing(start_server: StartServer) -> None:
    server = start_server(FILEHOST_SERVER_PROXIES="127.0.0.1")
    server.add_user("anna")
    assert ask(server, "PROPFIND", "/", {HEADER: "anna"}).status == 401


def test_the_audit_log_says_that_a_proxy_signed_in(start_server: StartServer, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    server = start_server(FILEHOST_LOG_AUDIT=str(audit), FILEHOST_HEADER_MAKE_USERS="true", **PROXIED)
    assert ask(server, "PUT", "/a.txt", {HEADER: "carla"}, body=b"a").status == 201
    server.stop()
    assert '"by": "proxy"' in audit.read_text()
