"""Signing in by a directory (LDAP): a real slapd, asked as seldom as it can be and never fooled."""

from __future__ import annotations

import gc
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.dav import Client
from harness.page import PASSWORD as OWN
from harness.page import Visitor
from harness.server import Account, Server, run
from harness.slapd import ADMIN, ADMIN_PASSWORD, BASE, PASSWORD, Slapd, directory

from filehost_dav.accounts.directory import Directory, Place
from filehost_dav.accounts.users import User, Users
from filehost_dav.accounts.vouched import Vouched
from filehost_dav.errors import Unavailable
from filehost_dav.http.self_signed import self_signed
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate

pytestmark = [
    pytest.mark.clients,
    # ldap3 2.9 uses older names of pyasn1 0.6, and of Python until 3.12.
    pytest.mark.filterwarnings("ignore:(tag|type)Map is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings(r"ignore:ssl.match_hostname\(\) is deprecated:DeprecationWarning"),
]
StartServer = Callable[..., Server]
ANNA = Account("anna", PASSWORD)


@pytest.fixture
def slapd(tmp_path: Path) -> Iterator[Slapd]:
    with directory(tmp_path / "slapd") as running:
        yield running


def settings(slapd: Slapd, **more: str) -> dict[str, str]:
    given = {"URL": slapd.url, "BASE": f"ou=people,{BASE}", "STARTTLS": "false", "MAKE_USERS": "true", **more}
    return {f"FILEHOST_LDAP_{name}": value for name, value in given.items()}


@pytest.fixture
def server(start_server: StartServer, slapd: Slapd) -> Server:
    """Whoever is in the directory may sign in; bert is not there and has a password here."""
    server = start_server(FILEHOST_SERVER_WORKERS="1", **settings(slapd))
    server.add_user("bert", password=OWN)
    return server


def status(server: Server, name: str, password: str) -> int:
    with Client(server, Account(name, password)) as client:
        return client.propfind("/", "0").status


def test_the_directory_s_password_opens_webdav_and_the_page(server: Server) -> None:
    assert status(server, "anna", PASSWORD) == 207
    assert Visitor(server.port).sign_in("anna", PASSWORD).status == 303
    with Client(server, ANNA) as client:
        assert client.put("/a.txt", b"a").status == 201
    assert (server.files("anna") / "a.txt").read_bytes() == b"a"


def test_the_account_page_offers_codes_and_no_other_password(server: Server) -> None:
    visitor = Visitor(server.port)
    visitor.sign_in("anna", PASSWORD)
    page = visitor.get("/.filehost/account").text
    assert 'value="begin"' in page
    assert 'name="old"' not in page
    form = {"token": visitor.token("/.filehost/account"), "codes": "begin", "password": PASSWORD}
    assert visitor.post("/.filehost/account", form).status == 303
    assert "<svg" in visitor.get("/.filehost/account").text


def test_a_hundred_requests_are_one_sign_in_at_the_directory(server: Server, slapd: Slapd) -> None:
    for _ in range(4):
        with Client(server, ANNA) as client:
            assert {client.propfind("/", "0").status for _ in range(25)} == {207}
    assert slapd.binds == 1


def test_whoever_has_a_password_here_is_not_looked_for_there(server: Server, slapd: Slapd) -> None:
    slapd.add("bert", "another password")
    assert status(server, "bert", OWN) == 207
    assert status(server, "bert", "another password") == 401
    assert slapd.binds == 0


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("anna", ""),
        ("anna", "wrong"),
        ("nobody", PASSWORD),
        ("nobody", ""),
        ("", ""),
        ("*", PASSWORD),
        ("a*", PASSWORD),
        ("anna)(uid=*", PASSWORD),
        ("*)(|(uid=*", PASSWORD),
        ("anna)(&", PASSWORD),
        ("anna\\2a", PASSWORD),
        ("anna\0", PASSWORD),
        ("uid=anna", PASSWORD),
        (f"uid=anna,ou=people,{BASE}", PASSWORD),
        ("anna+uid=anna", PASSWORD),
        (ADMIN, ADMIN_PASSWORD),
    ],
)
def test_nothing_but_a_name_and_its_password_opens(server: Server, name: str, password: str) -> None:
    assert status(server, name, password) == 401
    assert Visitor(server.port).sign_in(name, password).status == 403


def test_what_is_put_into_the_filter_is_escaped_whatever_the_rules_for_names_say(slapd: Slapd) -> None:
    asked = Directory(Place(slapd.url, BASE, starttls=False), vouched(slapd.folder), time.monotonic)
    connection = asked._connection()
    assert asked._found(connection, "anna") == f"uid=anna,ou=people,{BASE}"
    for name in ("*", "a*", "anna)(uid=*", "anna)(|(uid=*", "\\61nna", "anna)\0"):
        assert asked._found(connection, name) is None, name
    connection.unbind()


def test_whoever_cannot_be_costs_the_directory_the_same_steps_as_a_wrong_password(slapd: Slapd) -> None:
    """Else the time of a refusal tells which names have an account, here or there."""
    asked = Directory(Place(slapd.url, BASE, starttls=False), vouched(slapd.folder), time.monotonic)
    tries: dict[str, Callable[[], object]] = {
        "wrong password": lambda: asked.user("anna", "wrong"),
        "nobody there": lambda: asked.user("nobody", "wrong"),
        "no password": lambda: asked.user("anna", ""),
        "no name": lambda: asked.user("a/b", "wrong"),
        "password kept here": asked.pretend,
    }
    steps = {kind: _steps(slapd, ask) for kind, ask in tries.items()}
    assert set(steps.values()) == {("BIND", "SRCH", "BIND", "UNBIND")}, steps


def _steps(slapd: Slapd, ask: Callable[[], object]) -> tuple[str, ...]:
    before = len(slapd.steps)
    ask()
    end = time.monotonic() + 10
    while slapd.steps[-1:] != ["UNBIND"] or len(slapd.steps) == before:
        assert time.monotonic() < end, slapd.steps
        time.sleep(0.01)
    return tuple(slapd.steps[before:])


def test_a_filter_that_finds_several_signs_nobody_in(slapd: Slapd) -> None:
    slapd.add("berta")
    place = Place(slapd.url, BASE, "(|(uid={user})(uid=anna))", starttls=False)
    assert Directory(place, vouched(slapd.folder), time.monotonic).user("berta", PASSWORD) is None


def vouched(folder: Path) -> Vouched:
    database = SqliteDatabase(folder / "state.sqlite3")
    migrate(database)
    return Vouched(Users(database, lambda: 0), True)


def test_whoever_has_no_account_is_refused_where_none_are_made(start_server: StartServer, slapd: Slapd) -> None:
    server = start_server(**settings(slapd, MAKE_USERS="false"))
    assert status(server, "anna", PASSWORD) == 401
    run("user", "add", "anna", "--no-password", "--data", str(server.data))
    assert status(server, "anna", PASSWORD) == 207
    run("user", "disable", "anna", "--data", str(server.data))
    assert status(server, "anna", PASSWORD) == 401


def test_a_directory_that_is_down_is_no_wrong_password(server: Server, slapd: Slapd) -> None:
    assert status(server, "anna", PASSWORD) == 207
    slapd.stop()
    assert status(server, "anna", PASSWORD) == 207  # remembered
    for name, password in (("carla", "x"), ("anna", "other"), ("bert", "wrong")):
        with Client(server, Account(name, password)) as client:
            answer = client.propfind("/", "0")
            assert answer.status == 503
            assert int(answer["Retry-After"]) >= 1
    assert Visitor(server.port).sign_in("carla", "x").status == 503
    assert status(server, "bert", OWN) == 207
    assert "waits" not in run("bans", "list", "--data", str(server.data)).stdout


def test_a_directory_that_never_answers_is_down_soon(start_server: StartServer, slapd: Slapd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"ldap://127.0.0.1:{deaf.getsockname()[1]}"
        server = start_server(**settings(slapd, URL=url, TIMEOUT="1 s"), FILEHOST_SERVER_WORKERS="1")
        began = time.monotonic()
        assert {status(server, "anna", PASSWORD) for _ in range(5)} == {503}
        assert time.monotonic() - began < 10


def test_guessing_waits_longer_each_time(server: Server) -> None:
    statuses = [status(server, "anna", f"guess {number}") for number in range(6)]
    assert statuses == [401] * 5 + [429]


def test_a_new_password_of_the_directory_is_tried_again(start_server: StartServer, slapd: Slapd) -> None:
    server = start_server(**settings(slapd), FILEHOST_ACCOUNTS_REMEMBER="1 s")
    assert status(server, "anna", PASSWORD) == 207
    slapd.set_password("anna", "a new password")
    time.sleep(1.1)
    assert status(server, "anna", PASSWORD) == 401
    assert status(server, "anna", "a new password") == 207


def test_the_service_entry_searches_and_its_password_is_told_nobody(
    start_server: StartServer, slapd: Slapd, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(ADMIN_PASSWORD + "\n")
    given = settings(slapd, BIND_DN=ADMIN, BIND_PASSWORD_FILE=str(secret))
    server = start_server(**given)
    assert status(server, "anna", PASSWORD) == 207
    assert status(server, "anna", "a wrong password") == 401
    told = [
        run(command, "--data", str(server.data), settings=given, check=False).stdout
        for command in ("check", "doctor")
    ]
    assert slapd.url in told[0]
    for text in (*told, server.log):
        for password in (ADMIN_PASSWORD, PASSWORD, "a wrong password"):
            assert password not in text


def test_a_service_entry_that_is_refused_is_the_operator_s_matter(
    start_server: StartServer, slapd: Slapd
) -> None:
    server = start_server(**settings(slapd, BIND_DN=ADMIN, BIND_PASSWORD="wrong"))
    assert status(server, "anna", PASSWORD) == 503
    server.wait_for_log("The directory refuses ldap.bind_dn")


@pytest.fixture
def left_over() -> Iterator[None]:
    """ldap3 leaves the socket of a refused certificate to the garbage collection."""
    yield
    gc.collect()


@pytest.mark.usefixtures("left_over")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_starttls_is_used_and_the_certificate_must_be_of_a_known_authority(tmp_path: Path) -> None:
    made, other = (self_signed(tmp_path / name, "127.0.0.1") for name in ("tls", "other"))
    with directory(tmp_path / "slapd", certificate=(made.certificate, made.key)) as running:
        people = vouched(tmp_path)
        for authorities in (None, other.certificate):
            stranger = Place(running.url, BASE, authorities=authorities)
            with pytest.raises(Unavailable):
                Directory(stranger, people, time.monotonic).user("anna", PASSWORD)
        assert running.binds == 0
        known = Directory(Place(running.url, BASE, authorities=made.certificate), people, time.monotonic)
        assert known.user("anna", PASSWORD) == User("anna", own_password=False)


@pytest.mark.usefixtures("left_over")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_of_a_known_authority_for_another_host_is_not_taken(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=other.example",
        "-days",
        "9",
    ]
    named = ["-addext", "subjectAltName=DNS:other.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *named], check=True, capture_output=True, timeout=30)
    with directory(tmp_path / "slapd", certificate=(certificate, key)) as running:
        place = Place(running.url, BASE, authorities=certificate)
        with pytest.raises(Unavailable):
            Directory(place, vouched(tmp_path), time.monotonic).user("anna", PASSWORD)
        assert running.binds == 0


def test_without_tls_where_it_is_wanted_no_password_goes_out(slapd: Slapd) -> None:
    with pytest.raises(Unavailable):
        Directory(Place(slapd.url, BASE), vouched(slapd.folder), time.monotonic).user("anna", PASSWORD)
    assert slapd.binds == 0
