"""Signing in and out in a browser: what a session is, and when it ends."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from io import BytesIO
from urllib.parse import urlencode

import pytest
from harness.page import BROWSER, PASSWORD, SAME_SITE, SCRIPT, Host, Visitor, served

from filehost_dav.accounts.sessions import IDLE, LONGEST
from filehost_dav.web.account_page import browser_name
from filehost_dav.web.targets import local_target

DAV = {"User-Agent": "gvfs/1.50", "Accept": "*/*"}


def test_a_browser_is_sent_to_the_form_and_a_program_gets_its_401(visitor: Visitor) -> None:
    page = visitor.get("/some/folder/?plain")
    assert (page.status, page.headers["Location"]) == (
        303,
        "/.filehost/signin?next=%2Fsome%2Ffolder%2F%3Fplain",
    )
    program = visitor("GET", "/some/folder/", headers=DAV)
    assert program.status == 401
    assert program.headers["WWW-Authenticate"].startswith("Basic")


def test_the_pages_script_is_told_without_a_password_dialogue_of_the_browser(visitor: Visitor) -> None:
    answer = visitor("PROPFIND", "/", headers={**SCRIPT, "X-Requested-With": "Filehost"})
    assert answer.status == 401
    assert not answer.headers["WWW-Authenticate"].startswith("Basic")


def test_over_plain_http_to_another_machine_a_browser_is_known_without_fetch_headers(visitor: Visitor) -> None:
    headers = {"Accept": BROWSER["Accept"], "Upgrade-Insecure-Requests": "1"}
    assert visitor("GET", "/", headers=headers).status == 303


def test_signing_in_leads_to_where_the_visitor_wanted_to_go(visitor: Visitor) -> None:
    answer = visitor.sign_in(target="/some/folder/?plain")
    assert (answer.status, answer.headers["Location"]) == (303, "/some/folder/?plain")
    assert visitor.get("/").status == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: Visitor) -> None:
    cookie = visitor.sign_in().headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))


def test_the_records_hold_no_token(alice: Visitor, host: Host) -> None:
    content = "".join(sqlite3.connect(host.data / "state.sqlite3").iterdump())
    assert "alice" in content
    assert alice.cookies["filehost"] not in content


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_sign_in_says_the_same_whatever_is_wrong(visitor: Visitor, name: str, password: str) -> None:
    answer = visitor.sign_in(name, password)
    assert answer.status == 403
    assert "The user name or the password is wrong." in answer.text
    assert not visitor.cookies


def test_a_session_signs_webdav_in(alice: Visitor) -> None:
    answer = alice("PROPFIND", "/", headers=SCRIPT)
    assert answer.text == "WebDAV for alice"


def test_signing_out_ends_the_session_on_the_server(alice: Visitor) -> None:
    stolen = Visitor(alice.port, dict(alice.cookies))
    assert alice.post("/.filehost/signout", {"token": alice.token()}).status == 303
    assert alice.cookies["filehost"] == ""
    assert stolen.get("/").status == 303


def test_a_session_survives_a_restart_and_works_in_every_worker(alice: Visitor, host: Host) -> None:
    other = Host(host.data, host.clock)
    with served(other) as port:
        assert Visitor(port, alice.cookies).get("/").status == 200
    other.close()


@pytest.mark.parametrize("seconds", [IDLE + 1, LONGEST + 1])
def test_an_unused_session_ends(alice: Visitor, host: Host, seconds: int) -> None:
    host.clock.now += seconds
    assert alice.get("/").status == 303


def test_a_used_session_lasts_until_it_is_too_old(alice: Visitor, host: Host) -> None:
    for _ in range(LONGEST // (IDLE - 1)):
        host.clock.now += IDLE - 1
        assert alice.get("/").status == 200
    host.clock.now += IDLE - 1
    assert alice.get("/").status == 303


def test_another_browser_can_be_signed_out(alice: Visitor) -> None:
    other = Visitor(alice.port)
    other.sign_in()
    other_id = alice.get("/.filehost/account").text.partition('name="revoke" value="')[2][:16]
    answer = alice.post("/.filehost/account", {"token": alice.token("/.filehost/account"), "revoke": other_id})
    assert answer.headers["Location"] == "/.filehost/account?done=revoked"
    assert (alice.get("/").status, other.get("/").status) == (200, 303)


def test_nobody_can_end_a_session_of_somebody_else(alice: Visitor, host: Host) -> None:
    bob = Visitor(alice.port)
    bob.sign_in("bob")
    (session,) = host.sessions.of("bob")
    alice.post("/.filehost/account", {"token": alice.token(), "revoke": session.id})
    assert bob.get("/").status == 200


def test_a_new_password_ends_every_other_session(alice: Visitor, host: Host) -> None:
    other = Visitor(alice.port)
    other.sign_in()
    form = {"token": alice.token(), "old": PASSWORD, "new": "another horse", "again": "another horse"}
    assert alice.post("/.filehost/account", form).headers["Location"] == "/.filehost/account?done=password"
    assert (alice.get("/").status, other.get("/").status) == (200, 303)
    assert other.sign_in(password="another horse").status == 303


def test_a_password_changed_by_the_operator_ends_every_session(alice: Visitor, host: Host) -> None:
    host.set_password("alice", "set by the operator")
    assert alice.get("/").status == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "reason"),
    [
        ("wrong", "another horse", "another horse", "The password until now is wrong."),
        (PASSWORD, "short", "short", "needs at least 8 characters"),
        (PASSWORD, "another horse", "another cow.", "are not the same"),
    ],
)
def test_a_password_is_not_changed_without_reason(
    alice: Visitor, old: str, new: str, again: str, reason: str
) -> None:
    answer = alice.post("/.filehost/account", {"token": alice.token(), "old": old, "new": new, "again": again})
    assert answer.status in (400, 403)
    assert reason in answer.text
    assert Visitor(alice.port).sign_in().status == 303


def test_a_disabled_or_removed_account_is_signed_out_at_once(alice: Visitor, host: Host) -> None:
    host.users.disable("alice")
    assert alice.get("/").status == 303
    host.users.enable("alice")
    assert alice.get("/").status == 200
    host.users.remove("alice")
    host.add_user("alice")
    assert alice.get("/").status == 303


def test_a_link_from_another_site_finds_the_session_by_coming_again(visitor: Visitor) -> None:
    answer = visitor("GET", "/deep/?view=a.txt", headers={**BROWSER, "Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0">' in answer.text


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [
        ("/a/b?c=d", "/a/b?c=d"),
        ("/ä b", "/%C3%A4%20b"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/a%0D%0ASet-Cookie:%20x=y"),
    ],
)
def test_signing_in_never_leads_to_another_site(target: str, goes_to: str) -> None:
    assert local_target(target) == goes_to


def test_a_browser_is_named_as_people_call_it() -> None:
    edge = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0"
    )
    assert browser_name(edge) == "Edge, Windows"
    assert browser_name(BROWSER["User-Agent"]) == "Firefox, Linux"
    assert browser_name("") == "?"


def test_an_app_password_is_made_shown_once_and_ended(alice: Visitor) -> None:
    page = "/.filehost/account"
    made = alice.post(page, {"token": alice.token(page), "device": "Laptop & co", "read_only": "yes"})
    secret = made.text.partition('<code class="secret">')[2].partition("<")[0]
    assert "Laptop &amp; co" in made.text
    device = {"Authorization": "Basic " + b64encode(f"alice:{secret}".encode()).decode()}
    assert Visitor(alice.port)("PROPFIND", "/", headers=device).text == "WebDAV for alice"
    later = alice.get(page).text
    assert secret not in later
    identity = later.partition('name="forget" value="')[2].partition('"')[0]
    assert alice.post(page, {"token": alice.token(page), "forget": identity}).status == 303
    assert Visitor(alice.port)("PROPFIND", "/", headers=device).status == 401


def test_an_app_password_does_not_open_the_account(alice: Visitor, host: Host) -> None:
    secret = host.app_passwords.add("alice", "phone")
    device = {"Authorization": "Basic " + b64encode(f"alice:{secret}".encode()).decode()}
    for method in ("GET", "POST"):
        answer = Visitor(alice.port)(method, "/.filehost/account", b"", {**SAME_SITE, **device})
        assert answer.text == "WebDAV for alice"


@pytest.mark.parametrize(
    ("address", "scheme", "status"),
    [("127.0.0.1", "http", 303), ("192.0.2.1", "http", 403), ("192.0.2.1", "https", 303)],
)
def test_no_password_is_taken_from_another_machine_without_tls(
    host: Host, address: str, scheme: str, status: int
) -> None:
    body = urlencode({"name": "alice", "password": PASSWORD}).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/.filehost/signin",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": scheme,
        "REMOTE_ADDR": address,
    }
    answers: list[tuple[str, dict[str, str]]] = []
    list(host.application(environ, lambda line, headers: answers.append((line, dict(headers)))))
    line, headers = answers[0]
    assert line.startswith(str(status))
    cookie = headers.get("Set-Cookie", "")
    assert cookie.startswith("__Host-filehost=") == (scheme == "https")
    assert ("; Secure" in cookie) == (scheme == "https")
