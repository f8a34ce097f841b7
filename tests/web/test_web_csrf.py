"""Another site cannot change anything, whatever the credentials a browser adds by itself."""

from __future__ import annotations

from base64 import b64encode

import pytest
from harness.page import PASSWORD, SAME_SITE, SCRIPT, TEXT_BROWSER, Host, Visitor

BASIC = {"Authorization": "Basic " + b64encode(f"alice:{PASSWORD}".encode()).decode()}
CHANGES = [
    "POST /",
    "POST /.filehost/signin",
    "POST /.filehost/signout",
    "POST /.filehost/account",
    "POST /.filehost/page/check",
    "POST /.filehost/page/purge",
    "PUT /a.txt",
    "DELETE /a.txt",
    "MKCOL /a",
    "MOVE /a.txt",
    "COPY /a.txt",
    "LOCK /a.txt",
    "PROPPATCH /a.txt",
]
FOREIGN = {
    "cross-site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a sibling domain": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    "an old browser": {"Origin": "https://evil.example"},
    "a sandboxed frame": {"Origin": "null"},
    "another port": {"Origin": "http://127.0.0.1:1"},
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
def test_another_site_changes_nothing(alice: Visitor, foreign: dict[str, str]) -> None:
    for change in CHANGES:
        method, path = change.split()
        by_session = alice(method, path, b"", foreign)
        by_basic = Visitor(alice.port)(method, path, b"", {**foreign, **BASIC})
        assert (by_session.status, by_basic.status) == (403, 403), change
        assert "Another site" in by_session.text


def test_a_session_changes_nothing_for_a_page_that_does_not_say_who_it_is(alice: Visitor) -> None:
    for change in CHANGES:
        method, path = change.split()
        if "signin" not in path:
            assert alice(method, path, b"", {}).status == 403, change


@pytest.mark.parametrize(
    "origin",
    [{}, {"Origin": "moz-extension://0a1b", "Sec-Fetch-Site": "cross-site"}, {"Origin": "app://obsidian.md"}],
    ids=["a program", "an extension", "an app"],
)
def test_programs_and_extensions_with_a_password_are_no_other_site(
    visitor: Visitor, origin: dict[str, str]
) -> None:
    for change in CHANGES[6:]:
        method, path = change.split()
        assert visitor(method, path, b"", {**BASIC, **origin}).text == "WebDAV for alice", change


def test_the_page_itself_may_change_things(alice: Visitor) -> None:
    for headers in (SCRIPT, {"Origin": f"http://127.0.0.1:{alice.port}"}):
        assert alice("DELETE", "/a.txt", headers=headers).text == "WebDAV for alice"


@pytest.mark.parametrize("token", ["", "0" * 64, "of bob"])
def test_a_form_without_this_visitors_token_changes_nothing(alice: Visitor, host: Host, token: str) -> None:
    (host.files("alice") / "a.txt").write_text("kept")
    if token == "of bob":
        bob = Visitor(alice.port)
        bob.sign_in("bob")
        token = bob.token()
    form = {"token": token, "action": "delete", "name": "a.txt"}
    assert alice.post("/?plain", form, SAME_SITE).status == 403
    assert (host.files("alice") / "a.txt").read_text() == "kept"


def test_a_browser_that_signs_in_by_basic_gets_forms_that_work(visitor: Visitor, host: Host) -> None:
    (host.files("alice") / "a.txt").write_text("gone")
    page = visitor("GET", "/", headers={**TEXT_BROWSER, **BASIC})
    token = page.text.partition('name="token" value="')[2].partition('"')[0]
    form = {"token": token, "action": "delete", "name": "a.txt"}
    assert visitor.post("/?plain", form, {**TEXT_BROWSER, **BASIC}).status == 303
    assert not (host.files("alice") / "a.txt").exists()
