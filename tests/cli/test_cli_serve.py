"""`serve`, as its own process: what it says, how it ends, and that what others change counts at once."""

from __future__ import annotations

import re
import signal
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.dav import Client
from harness.server import Account, Server, run

StartServer = Callable[..., Server]
PLAIN = {"FILEHOST_LOG_FORMAT": "plain"}


def test_the_first_start_makes_an_account_and_says_its_password_once(start_server: StartServer) -> None:
    server = start_server()
    server.wait_for_log("More users")
    found = re.search(r"user +(\S+)\n +password +(\S+)\n", server.log)
    assert found is not None
    with Client(server, Account(found[1], found[2])) as client:
        assert client("PUT", "/a.txt", b"x").status == 201
    for line in ("rclone config create filehost webdav", "Map network drive", "Connect to Server"):
        assert line in server.log
    server.stop()
    again = start_server()
    assert found[2] not in again.log
    assert "password" not in again.log


def test_it_ends_in_order_on_sigterm_and_on_ctrl_c(start_server: StartServer) -> None:
    for ending in (signal.SIGTERM, signal.SIGINT):
        server = start_server(FILEHOST_SERVER_WORKERS="2")
        server.process.send_signal(ending)
        assert server.process.wait(10) == 0
        assert "Traceback" not in server.log
        assert "Aborted" not in server.log


def test_a_port_that_is_taken_is_said_in_words(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    taken = run("serve", "--data", str(tmp_path / "other"), "--port", str(server.port), check=False)
    assert taken.returncode == 1
    assert f"Cannot listen on 127.0.0.1, port {server.port}: Address already in use" in taken.stderr
    assert "Traceback" not in taken.stderr


def test_nothing_starts_with_a_mistake_in_the_settings(tmp_path: Path) -> None:
    refused = run(
        "serve", "--data", str(tmp_path / "d"), settings={"FILEHOST_SERVER_PORT": "http"}, check=False
    )
    assert refused.returncode == 78
    assert refused.stderr.startswith("environment FILEHOST_SERVER_PORT: ")
    assert not (tmp_path / "d").exists()


def test_users_come_and_go_while_it_runs_in_all_workers(start_server: StartServer) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="2")
    anna = server.add_user("anna")

    def statuses(account: Account) -> set[int]:
        found = set()
        for _ in range(8):
            with Client(server, account) as client:
                found.add(client("PROPFIND", "/", headers={"Depth": "0"}).status)
        return found

    assert statuses(anna) == {207}
    run("user", "passwd", "anna", "--data", str(server.data), stdin="another")
    assert statuses(anna) == {401}
    anna = Account("anna", "another")
    assert statuses(anna) == {207}
    run("user", "disable", "anna", "--data", str(server.data))
    assert statuses(anna) <= {401, 429}


def test_an_attacker_is_slowed_in_all_workers_and_the_user_is_not(start_server: StartServer) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="2")
    anna = server.add_user("anna")
    with Client(server, anna) as working:
        assert working("PUT", "/a.txt", b"x").status == 201
        answers = []
        for number in range(30):
            with Client(server, Account("anna", f"guess{number}")) as guessing:
                answers.append(guessing("GET", "/a.txt"))
        refused = [answer for answer in answers if answer.status == 401]
        waiting = [answer for answer in answers if answer.status == 429]
        assert len(refused) + len(waiting) == 30
        assert len(refused) <= 9
        assert int(waiting[-1]["Retry-After"]) >= 1
        assert working("GET", "/a.txt").status == 200


def test_the_log_holds_a_line_per_request_and_no_password(start_server: StartServer) -> None:
    server = start_server(**PLAIN)
    anna = server.add_user("anna", password="hunter2-secret")
    with Client(server, anna) as client:
        client("PUT", "/Gr%C3%B6%C3%9Fe%201.txt", b"content-secret")
        client("GET", "/Gr%C3%B6%C3%9Fe%201.txt?token=query-secret")
    with Client(server, Account("anna", "wrong-secret")) as client:
        client("GET", "/")
    server.wait_for_log("Sign-in refused from 127.0.0.1 for user")
    server.wait_for_log("status=401")

    assert re.search(r'user=anna method=PUT path="/Größe 1.txt" status=201 sent=\d+ received=14 ', server.log)
    assert re.search(r'user=anna method=GET path="/Größe 1.txt" status=200 sent=\d+ ', server.log)
    for secret in ("hunter2-secret", "content-secret", "query-secret", "wrong-secret", str(server.data)):
        assert secret not in server.log


def test_a_self_signed_certificate_is_kept_and_its_fingerprint_said(start_server: StartServer) -> None:
    prints = []
    for _ in range(2):
        server = start_server("--tls", "self-signed")
        server.wait_for_log("fingerprint")
        prints.append(re.search(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", server.log)[0])  # type: ignore[index]
        trusting = ssl.create_default_context(cafile=str(server.data / "tls" / "certificate.pem"))
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"https://localhost:{server.port}/", context=trusting, timeout=10)
        server.stop()
    assert prints[0] == prints[1]
    assert (server.data / "tls" / "key.pem").stat().st_mode & 0o077 == 0


def test_a_server_that_nobody_can_sign_in_to_says_so(start_server: StartServer) -> None:
    server = start_server("--host", "0.0.0.0")
    server.wait_for_log("Other machines cannot sign in")
    quiet = start_server("--host", "0.0.0.0", FILEHOST_ACCOUNTS_PLAIN_HTTP="anywhere")
    with pytest.raises(AssertionError):
        quiet.wait_for_log("Other machines cannot sign in", 0.5)
