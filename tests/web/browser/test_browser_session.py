"""A session in a real browser, and what happens when it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.browser import Screen, expect

pytestmark = pytest.mark.clients


def test_a_visitor_signs_in_and_out(screen: Screen, files: Path) -> None:
    (files / "a.txt").write_text("a")
    screen.page.goto(screen.url + "/")
    screen.picture("sign-in")
    screen.page.fill("#name", screen.account.name)
    screen.page.fill("#password", "wrong")
    screen.page.keyboard.press("Enter")
    expect(screen.page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    screen.open()
    assert screen.names() == ["a.txt"]
    screen.page.get_by_role("button", name=screen.account.name).click()
    screen.page.get_by_role("menuitem", name="Sign out").click()
    screen.page.wait_for_url("**/.filehost/signin")
    screen.page.go_back()
    screen.page.goto(screen.url + "/")
    assert "signin" in screen.page.url


def test_a_session_that_ends_asks_to_sign_in_and_uploads_wait_for_it(screen: Screen, files: Path) -> None:
    screen.open()
    screen.context.clear_cookies()
    screen.choose_files({"name": "late.txt", "mimeType": "text/plain", "buffer": b"late"})
    expect(screen.dialog()).to_contain_text("Your session has ended")
    with screen.context.expect_page() as opened:
        screen.dialog().get_by_role("button", name="Sign in").click()
    opened.value.fill("#name", screen.account.name)
    opened.value.fill("#password", screen.account.password)
    opened.value.keyboard.press("Enter")
    expect(screen.page.locator(".uploads")).to_contain_text("1 file uploaded")
    assert (files / "late.txt").read_bytes() == b"late"


def test_a_link_on_another_site_finds_who_is_signed_in(screen: Screen, files: Path) -> None:
    (files / "sub").mkdir()
    (files / "sub" / "a.txt").write_text("a")
    screen.open()
    other_site = screen.url.replace("127.0.0.1", "localhost")
    screen.page.goto(f"{other_site}/.filehost/signin")
    screen.page.evaluate("url => { location.href = url; }", f"{screen.url}/sub/")
    expect(screen.row("a.txt")).to_be_visible()
