"""The page for everyone: by keyboard, by touch, on small screens, without scripts, in two languages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from harness.browser import Screen, expect
from harness.contents import png

pytestmark = pytest.mark.clients

Open = Callable[..., AbstractContextManager[Screen]]


def test_everything_can_be_done_by_keyboard_alone(screen: Screen, files: Path) -> None:
    (files / "docs").mkdir()
    (files / "a.txt").write_text("hello")
    (files / "b.txt").write_text("b")
    screen.page.goto(screen.url)
    press = screen.page.keyboard.press
    screen.page.keyboard.type(screen.account.name)
    press("Tab")
    screen.page.keyboard.type(screen.account.password)
    press("Enter")
    screen.settle()
    press("Tab")
    expect(screen.page.get_by_role("link", name="Skip to the files")).to_be_focused()
    press("Enter")
    expect(screen.row("docs")).to_be_focused()
    press("Enter")
    expect(screen.page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    press("Backspace")
    expect(screen.row("docs")).to_be_focused()
    press("ArrowDown")
    press("Enter")
    expect(screen.dialog().locator("pre")).to_have_text("hello")
    press("Escape")
    expect(screen.row("a.txt")).to_be_focused()
    press("F2")
    screen.page.keyboard.type("renamed")
    press("Enter")
    expect(screen.row("renamed.txt")).to_be_focused()
    press("Shift+F10")
    press("m")
    expect(screen.page.get_by_role("menuitem", name="Move")).to_be_focused()
    press("Enter")
    expect(screen.dialog().get_by_role("button", name="docs")).to_be_visible()
    screen.dialog().get_by_role("button", name="docs").focus()
    press("Enter")
    expect(screen.dialog().get_by_role("button", name="Move here")).to_be_focused()
    press("Enter")
    screen.toast("1 entry moved to docs")
    screen.row("b.txt").focus()
    press(" ")
    expect(screen.row("b.txt")).to_have_attribute("aria-selected", "true")
    press("Delete")
    expect(screen.row("docs")).to_be_focused()
    screen.toast("b.txt is in the trash")
    screen.page.get_by_role("button", name="Undo").focus()
    press("Enter")
    expect(screen.row("b.txt")).to_be_visible()
    assert sorted(str(path.relative_to(files)) for path in files.rglob("*.txt")) == [
        "b.txt",
        "docs/renamed.txt",
    ]


@pytest.mark.parametrize("width", [320, 375, 820])
@pytest.mark.parametrize(
    "path", ["/", "/.filehost/trash/", "/.filehost/connect", "/.filehost/account", "/?plain"]
)
def test_a_small_screen_needs_no_sideways_scrolling(
    open_window: Open, files: Path, width: int, path: str
) -> None:
    (files / "A letter with a very long name about the winding road through the valley.txt").write_text("x")
    (files / "sub").mkdir()
    with open_window(viewport={"width": width, "height": 640}, has_touch=True) as screen:
        screen.sign_in(path)
        screen.page.wait_for_load_state("networkidle")
        screen.picture(f"small-{width}-{path.strip('/.?').replace('/', '-') or 'folder'}")
        assert screen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_touch_opens_and_a_touch_on_the_mark_chooses(open_window: Open, files: Path) -> None:
    (files / "sub").mkdir()
    (files / "a.txt").write_text("a")
    with open_window(viewport={"width": 375, "height": 700}, has_touch=True) as screen:
        screen.open()
        screen.row("a.txt").locator(".choose").tap()
        expect(screen.page.get_by_role("toolbar")).to_contain_text("1 selected")
        screen.picture("small-chosen")
        screen.row("a.txt").locator(".choose").tap()
        screen.row("sub").tap()
        expect(screen.page.get_by_role("heading", name="This folder is empty")).to_be_visible()


def test_without_scripts_files_are_listed_sent_fetched_and_deleted(open_window: Open, files: Path) -> None:
    (files / "a.txt").write_text("a")
    with open_window(java_script_enabled=False) as screen:
        screen.sign_in()
        page = screen.page
        page.wait_for_url("**/?plain")
        page.set_input_files("#files", {"name": "ü.txt", "mimeType": "text/plain", "buffer": b"sent"})
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Uploaded.")
        screen.picture("plain")
        assert (files / "ü.txt").read_bytes() == b"sent"
        page.get_by_role("link", name="ü.txt").click()
        expect(page.locator("pre")).to_have_text("sent")
        page.go_back()
        page.get_by_label("Select a.txt").check()
        page.get_by_role("button", name="Delete what is chosen").click()
        expect(page.get_by_role("link", name="a.txt")).to_have_count(0)
        assert not (files / "a.txt").exists()


def test_a_german_visitor_reads_german(open_window: Open, files: Path) -> None:
    (files / "a.txt").write_bytes(b"x" * 1500)
    with open_window(locale="de-DE") as screen:
        screen.open()
        expect(screen.page.get_by_role("button", name="Neuer Ordner")).to_be_visible()
        expect(screen.row("a.txt")).to_contain_text("1,5 kB")
        screen.drop({"x.exe": ""})
        expect(screen.page.locator(".uploads")).to_contain_text("Dateien vom Typ .exe sind hier nicht erlaubt.")
        screen.picture("german")


def test_the_connect_page_shows_this_address_and_this_user(screen: Screen) -> None:
    screen.sign_in("/.filehost/connect")
    steps = screen.page.locator("details").first
    expect(steps).to_contain_text(f"dav://{screen.account.name}@{screen.url.removeprefix('http://')}/")
    screen.picture("connect")


@pytest.mark.parametrize(
    "screen_options",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 320, "height": 640}}],
    ids=["light", "dark", "small"],
)
def test_the_accessibility_checker_finds_nothing(
    open_window: Open, files: Path, screen_options: dict[str, Any]
) -> None:
    (files / "sub").mkdir()
    (files / "a.png").write_bytes(png())
    for name in ("a.txt", "b.pdf", "c.xlsx"):
        (files / name).write_text("x")
    with open_window(reduced_motion="reduce", **screen_options) as screen:
        check = screen.check_accessibility
        screen.page.goto(screen.url)
        check("sign-in")
        screen.open()
        check("folder")
        screen.row("a.txt").locator(".choose").click()
        check("chosen")
        screen.page.keyboard.press("Escape")
        screen.menu("a.txt", "Rename")
        check("rename")
        screen.page.keyboard.press("Escape")
        screen.row("a.txt").click(button="right")
        check("menu")
        screen.page.keyboard.press("Escape")
        screen.drop({"x.exe": "", "a.txt": "new"})
        expect(screen.dialog()).to_be_visible()
        check("clash")
        screen.dialog().get_by_role("button", name="Replace").click()
        expect(screen.page.locator(".uploads h2")).to_contain_text("not uploaded")
        check("uploads")
        screen.menu("a.txt", "Earlier versions")
        check("versions")
        screen.page.keyboard.press("Escape")
        screen.menu("b.pdf", "Delete")
        screen.toast("b.pdf is in the trash")
        check("notice")
        screen.row("a.txt").get_by_role("link").click()
        expect(screen.dialog().locator("pre")).to_be_visible()
        check("preview")
        for path in (
            "/sub/",
            "/missing/",
            "/.filehost/trash/",
            "/.filehost/connect",
            "/.filehost/account",
            "/?plain",
        ):
            screen.page.goto(screen.url + path)
            screen.page.wait_for_load_state("networkidle")
            check(path.strip("/.?").replace("/", "-"))


@pytest.mark.parametrize("width", [320, 820])
def test_what_shows_icons_alone_on_a_small_screen_keeps_its_names(
    open_window: Open, files: Path, width: int
) -> None:
    (files / "a.txt").write_text("a")
    with open_window(viewport={"width": width, "height": 700}, has_touch=True) as screen:
        screen.open()
        named = [
            ("link", "Trash"),
            ("link", "Filehost"),
            ("button", screen.account.name),
            ("button", "New folder"),
        ]
        for role, name in named:
            expect(screen.page.get_by_role(role, name=name)).to_be_visible()
        screen.row("a.txt").locator(".choose").tap()
        expect(screen.page.get_by_role("toolbar").get_by_role("button", name="Delete")).to_be_in_viewport()
