"""Files made to hurt: neither a name nor a content ever runs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from harness.browser import Screen, expect
from playwright.sync_api import Error

pytestmark = pytest.mark.clients


HOSTILE_NAMES = [
    "<img src=x onerror=alert(1)>.txt",
    '"><svg onload=alert(1)>.txt',
    "' onmouseover='alert(1).txt",
    "javascript:alert(1).txt",
    "${alert(1)}.txt",
    "&lt;script&gt;alert(1)&lt;∕script&gt;.txt",
    "\u202etxt.exe.txt",
]


def test_hostile_names_are_only_ever_text(screen: Screen, files: Path) -> None:
    for name in HOSTILE_NAMES:
        (files / name).write_text("x")
        (files / f"{name}.d").mkdir()
    screen.open()
    assert set(screen.names()) == {*HOSTILE_NAMES, *(f"{name}.d" for name in HOSTILE_NAMES)}
    for name in HOSTILE_NAMES:
        screen.row(f"{name}.d").get_by_role("link").click()
        expect(screen.page.locator(".trail [aria-current]")).to_have_text(f"{name}.d")
        screen.page.go_back()
        screen.row(name).get_by_role("link").click()
        expect(screen.dialog().get_by_role("heading")).to_have_text(name)
        screen.page.keyboard.press("Escape")
        screen.menu(name, "Delete")
        screen.toast(f"{name} is in the trash")
    screen.page.get_by_role("link", name="Trash").click()
    expect(screen.page.locator(".cards li")).to_have_count(len(HOSTILE_NAMES))


HOSTILE_CONTENTS: dict[str, bytes] = {
    "page.html": b"<script>opener?.alert(1); parent.alert(1); alert(1)</script>",
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
    "feed.xml": b'<?xml-stylesheet href="javascript:alert(1)"?><x xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></x>',
    "text.txt": b"<html><script>alert(1)</script>",
    "fake.png": b"<html><script>alert(1)</script>",
    "fake.pdf": b"<html><script>alert(1)</script>",
    "code.js": b"alert(1)",
}


@pytest.mark.parametrize("name", HOSTILE_CONTENTS)
def test_hostile_contents_never_run(screen: Screen, files: Path, name: str) -> None:
    (files / name).write_bytes(HOSTILE_CONTENTS[name])
    screen.open()
    screen.row(name).get_by_role("link").click()
    expect(screen.dialog().locator(".stage :is(pre, img, iframe, .nothing)").first).to_be_visible()
    other = screen.context.new_page()
    other.on("dialog", lambda dialog: screen.troubles.append(dialog.message))
    _visit(other, f"{screen.url}/{name}")
    other.wait_for_timeout(300)
    assert not any("alert" in trouble or trouble == "1" for trouble in screen.troubles)
    screen.troubles.clear()


def _visit(page: Any, url: str) -> None:
    """Go to a file's own address; what is an attachment is downloaded, which ends the visit."""
    with suppress(Error):
        page.goto(url)
