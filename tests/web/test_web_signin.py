"""The sign-in gate over HTTP: every way to ask, and what is answered."""

from __future__ import annotations

import base64
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from harness.dav import Client
from harness.raw import Raw, request
from harness.server import Account, Server, run
from harness.ways import every_way
from passlib.totp import TOTP

from filehost_dav.accounts.codes import Codes
from filehost_dav.state.database import SqliteDatabase

__all__ = ["every_way"]

StartServer = Callable[..., Server]


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


CHALLENGED = {
    "nothing": None,
    "empty": "",
    "empty bearer": "Bearer",
    "empty bearer with a space": "Bearer ",
    "no colon": basic(b"anna"),
    "not base64": "Basic !!!",
    "base64 without padding": "Basic YTpi" + "Y",
    "no credentials": "Basic",
    "nothing in it": basic(b""),
    "a colon alone": basic(b":"),
    "not UTF-8": basic(b"ann\xff:x"),
    "a zero byte": basic(b"anna\0:x\0"),
    "a line break": basic(b"anna\r\nX: y:x"),
    "unknown scheme": 'Digest username="anna"',
    "negotiate": "Negotiate YII",
    "unknown token": "Bearer abc.def.ghi",
    "very long": basic(b"anna:" + b"x" * 20_000),
}


@pytest.mark.parametrize("header", CHALLENGED.values(), ids=CHALLENGED)
@pytest.mark.parametrize("method", ["GET", "PROPFIND", "PUT"])
def test_whoever_cannot_be_recognised_is_asked_for_a_password(
    server: Server, method: str, header: str | None
) -> None:
    with Client(server) as client:
        answer = client(method, "/", headers={} if header is None else {"Authorization": header})
    assert answer.status == 401
    assert answer["WWW-Authenticate"] == 'Basic realm="Filehost DAV", charset="UTF-8"'
    assert answer.message
    assert ET.fromstring(answer.body).tag == "{DAV:}error"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer "])
@pytest.mark.parametrize("path", ["/", "/no/such/folder", "/.filehost/"])
def test_options_is_answered_before_anybody_signs_in(server: Server, header: str | None, path: str) -> None:
    with Client(server) as client:
        answer = client("OPTIONS", path, headers={} if header is None else {"Authorization": header})
    assert answer.status == 200
    assert answer["DAV"].startswith("1, 2, 3")


def test_options_with_a_wrong_password_is_refused(server: Server) -> None:
    with Client(server, Account("anna", "wrong")) as client:
        assert client("OPTIONS", "/").status == 401


@pytest.mark.parametrize("password", ["pässwörd", "with:colon", " spaces ", "☃" * 20])
def test_a_password_is_what_was_typed(server: Server, password: str) -> None:
    name = f"user{len(password)}{abs(hash(password)) % 1000}"
    with Client(server, server.add_user(name, password=password)) as client:
        assert client.propfind("/", "0").status == 207


def test_a_latin_1_password_is_understood(server: Server) -> None:
    server.add_user("latin", password="grün")
    with Client(server) as client:
        headers = {"Authorization": basic("latin:grün".encode("latin-1"))}
        assert client("GET", "/", headers=headers).status == 200


def test_the_same_words_for_an_unknown_user_a_wrong_password_and_a_disabled_account(server: Server) -> None:
    server.add_user("disabled")
    server.add_user("known")
    run("user", "disable", "disabled", "--data", str(server.data))
    answers = set()
    for account in (
        Account("unknown", "x"),
        Account("known", "x"),
        Account("disabled", "correct horse battery"),
    ):
        with Client(server, account) as client:
            answer = client("GET", "/")
            answers.add((answer.status, answer.reason, answer.body, tuple(sorted(answer.headers.keys()))))
    assert len(answers) == 1


def test_a_body_is_not_read_before_the_sign_in(server: Server) -> None:
    with Client(server) as client:
        answer = client("PUT", "/a.txt", b"x" * 1000, {"Expect": "100-continue"})
        assert answer.status == 401


FORWARDED = {
    "plain from far away": ({"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}, 403),
    "TLS from far away": ({"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}, 207),
    "plain from this machine": ({}, 207),
}


@pytest.mark.parametrize(("headers", "status"), FORWARDED.values(), ids=FORWARDED)
def test_passwords_come_over_tls_or_from_this_machine(
    start_server: StartServer, headers: dict[str, str], status: int
) -> None:
    server = start_server(FILEHOST_SERVER_PROXIES="127.0.0.1")
    with Client(server, server.add_user("anna")) as client:
        answer = client("PROPFIND", "/", headers={"Depth": "0", **headers})
    assert answer.status == status
    if status == 403:
        assert "https://" in answer.message


def test_a_forged_address_is_not_believed(start_server: StartServer) -> None:
    server = start_server()
    with Client(server) as client:
        client("GET", "/", headers={"X-Forwarded-For": "203.0.113.9", "Authorization": basic(b"a:b")})
    server.wait_for_log("Sign-in refused from 127.0.0.1 ")


def test_app_passwords_alone_open_files_where_told_so(start_server: StartServer) -> None:
    server = start_server(FILEHOST_ACCOUNTS_OWN_PASSWORD="false")
    anna = server.add_user("anna")
    made = run("app-password", "add", "anna", "phone", "--data", str(server.data))
    with Client(server, anna) as client:
        refused = client("GET", "/")
        assert refused.status == 401
        assert "app password" in refused.message
    with Client(server, Account("anna", made.stdout.strip())) as client:
        assert client.propfind("/", "0").status == 207


def test_one_user_cannot_take_all_the_room(start_server: StartServer) -> None:
    server = start_server(FILEHOST_LIMITS_UPLOADS_PER_USER="2", FILEHOST_SERVER_WORKERS="1")
    anna, bert = server.add_user("anna"), server.add_user("bert")
    with (
        begun(server, anna, "/a.txt") as one,
        begun(server, anna, "/b.txt") as another,
        Client(server, anna) as client,
        Client(server, bert) as other,
    ):
        crowded = client.put("/c.txt", b"z")
        assert crowded.status == 429
        assert int(crowded["Retry-After"]) >= 1
        assert client.propfind("/", "0").status == 207
        assert other.put("/c.txt", b"z").status == 201
        assert [slow.send(b"xy").answer().status for slow in (one, another)] == [201, 201]
        assert client.put("/d.txt", b"z").status == 201


def begun(server: Server, user: Account, path: str) -> Raw:
    """An upload of two bytes that the server has taken up: it asks for them."""
    password = base64.b64encode(":".join(user.auth).encode()).decode()
    wants = (f"Authorization: Basic {password}", "Content-Length: 2", "Expect: 100-continue")
    upload = Raw(server.port).send(request("PUT", path, *wants))
    assert upload.sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    return upload


def test_codes_close_drives_to_the_password_and_the_operator_can_turn_them_off(
    start_server: StartServer,
) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="2")
    anna = server.add_user("anna")
    database = SqliteDatabase(server.data / "state.sqlite3")
    codes = Codes(database, time.time)
    with Client(server, anna) as client:
        assert client.propfind("/", "0").status == 207
        codes.begin("anna")
        secret = codes.begun("anna")
        assert secret is not None
        assert client.propfind("/", "0").status == 207
        codes.confirm("anna", str(TOTP(secret, format="base32").generate().token))
        refused = client.propfind("/", "0")
        assert (refused.status, "app password" in refused.message) == (401, True)
        assert '"codes": true' in run("user", "list", "--json", "--data", str(server.data)).stdout
        run("user", "codes-off", "anna", "--data", str(server.data))
        assert client.propfind("/", "0").status == 207
    again = run("user", "codes-off", "anna", "--data", str(server.data), check=False)
    assert (again.returncode, "anna signs in without codes" in again.stderr) == (1, True)
    database.close()
