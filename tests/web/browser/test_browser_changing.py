"""Renaming, moving, copying, deleting in a real browser, and the ways back."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.browser import Screen, expect

pytestmark = pytest.mark.clients


def test_a_folder_is_made_and_a_refused_name_says_why(screen: Screen, files: Path) -> None:
    screen.open()
    screen.page.get_by_role("button", name="New folder").click()
    screen.page.keyboard.type("a?b")
    screen.page.keyboard.press("Enter")
    expect(screen.dialog().get_by_role("alert")).to_contain_text("A name may not contain")
    screen.dialog().get_by_role("textbox").fill("Neu & schön")
    screen.page.keyboard.press("Enter")
    expect(screen.row("Neu & schön")).to_be_focused()
    assert (files / "Neu & schön").is_dir()


def test_an_entry_is_renamed_but_never_over_another(screen: Screen, files: Path) -> None:
    (files / "a.txt").write_text("a")
    (files / "b.txt").write_text("b")
    screen.open()
    screen.menu("a.txt", "Rename")
    expect(screen.dialog().get_by_role("textbox")).to_have_value("a.txt")
    screen.page.keyboard.type("b")
    screen.page.keyboard.press("Enter")
    expect(screen.dialog().get_by_role("alert")).to_have_text("There is something of this name already.")
    screen.dialog().get_by_role("textbox").fill("c.txt")
    screen.page.keyboard.press("Enter")
    expect(screen.row("c.txt")).to_be_focused()
    assert {path.name: path.read_text() for path in files.iterdir()} == {"b.txt": "b", "c.txt": "a"}


def test_entries_are_moved_by_the_chooser_and_by_dragging(screen: Screen, files: Path) -> None:
    (files / "sub" / "deep").mkdir(parents=True)
    for name in ("a.txt", "b.txt"):
        (files / name).write_text(name)
    screen.open()
    screen.menu("a.txt", "Move")
    screen.dialog().get_by_role("button", name="sub").click()
    screen.dialog().get_by_role("button", name="deep").click()
    screen.picture("chooser")
    screen.dialog().get_by_role("button", name="Move here").click()
    screen.toast("1 entry moved to deep")
    screen.row("b.txt").drag_to(screen.row("sub"))
    screen.toast("1 entry moved to sub")
    expect(screen.row("b.txt")).to_have_count(0)
    moved = {str(path.relative_to(files)) for path in files.rglob("*.txt")}
    assert moved == {"sub/deep/a.txt", "sub/b.txt"}


def test_a_copy_beside_the_original_gets_a_free_name(screen: Screen, files: Path) -> None:
    (files / "a.txt").write_text("a")
    screen.open()
    screen.menu("a.txt", "Copy")
    screen.dialog().get_by_role("button", name="Copy here").click()
    expect(screen.row("a (2).txt")).to_be_visible()
    assert sorted(path.name for path in files.iterdir()) == ["a (2).txt", "a.txt"]


def test_what_is_deleted_comes_back_by_undo(screen: Screen, files: Path) -> None:
    (files / "tree" / "sub").mkdir(parents=True)
    (files / "tree" / "sub" / "a.txt").write_text("a")
    (files / "b.txt").write_text("b")
    (files / "c.txt").write_text("c")
    screen.open()
    for name in ("tree", "b.txt"):
        screen.row(name).locator(".choose").click()
    screen.page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    screen.toast("2 entries are in the trash")
    assert screen.names() == ["c.txt"]
    screen.picture("deleted")
    screen.page.get_by_role("button", name="Undo").click()
    screen.toast("2 entries are back")
    expect(screen.row("tree")).to_be_visible()
    assert (files / "tree" / "sub" / "a.txt").read_text() == "a"
    assert (files / "b.txt").read_text() == "b"


def test_the_trash_gives_back_and_forgets(screen: Screen, files: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (files / name).write_text(name)
    screen.open()
    screen.page.keyboard.press("Tab")
    screen.row("a.txt").focus()
    screen.page.keyboard.press("Control+a")
    screen.page.keyboard.press("Delete")
    screen.toast("3 entries are in the trash")
    screen.page.get_by_role("link", name="Trash").click()
    expect(screen.page.locator(".cards li")).to_have_count(3)
    screen.picture("trash")
    screen.page.get_by_role("button", name="Restore b.txt").click()
    screen.toast("b.txt is back in Files")
    screen.page.get_by_role("button", name="Delete a.txt for good").click()
    screen.dialog().get_by_role("button", name="Delete for good").click()
    expect(screen.page.locator(".cards li")).to_have_count(1)
    screen.page.get_by_role("button", name="Empty the trash").click()
    screen.dialog().get_by_role("button", name="Empty the trash").click()
    expect(screen.page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert [path.name for path in files.iterdir()] == ["b.txt"]


def test_an_earlier_version_is_opened_and_brought_back(screen: Screen, files: Path) -> None:
    screen.open()
    screen.drop({"a.txt": "first"})
    expect(screen.row("a.txt")).to_be_visible()
    screen.drop({"a.txt": "second"})
    screen.dialog().get_by_role("button", name="Replace").click()
    expect(screen.page.locator(".uploads h2")).to_have_text("1 file uploaded")
    screen.menu("a.txt", "Earlier versions")
    expect(screen.dialog().locator("li")).to_have_count(1)
    screen.picture("versions")
    with screen.page.expect_download() as download:
        screen.dialog().get_by_role("link", name="Download this version").click()
    assert Path(download.value.path()).read_text() == "first"
    screen.dialog().get_by_role("button", name="Restore").click()
    screen.toast("a.txt is back as it was")
    assert (files / "a.txt").read_text() == "first"
