"""Lists, previews and downloads in a real browser."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from harness.browser import Screen, expect
from harness.contents import pdf, png

pytestmark = pytest.mark.clients


def test_a_downloaded_file_has_the_same_bytes(screen: Screen, files: Path) -> None:
    content = pdf(1_000_000)
    (files / "report #1 50%.pdf").write_bytes(content)
    screen.open()
    with screen.page.expect_download() as download:
        screen.menu("report #1 50%.pdf", "Download")
    assert download.value.suggested_filename == "report #1 50%.pdf"
    assert Path(download.value.path()).read_bytes() == content


def test_a_selection_is_downloaded_as_a_zip_of_the_same_tree(screen: Screen, files: Path) -> None:
    tree = {"Day 1/ä.txt": b"1", "Day 1/deep/er/b.pdf": pdf(500_000), "c.txt": b"3", "left.txt": b"4"}
    for name, content in tree.items():
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_bytes(content)
    (files / "Day 1" / "empty").mkdir()
    screen.open()
    for name in ("Day 1", "c.txt"):
        screen.row(name).locator(".choose").click()
    with screen.page.expect_download() as download:
        screen.page.get_by_role("toolbar").get_by_role("button", name="Download").click()
    with ZipFile(download.value.path()) as archive:
        stored = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
        assert "Day 1/empty/" in archive.namelist()
    assert stored == {name: content for name, content in tree.items() if name != "left.txt"}


def test_pictures_and_texts_are_shown_and_the_back_button_closes_them(screen: Screen, files: Path) -> None:
    (files / "a.png").write_bytes(png())
    (files / "b.txt").write_text("Grüße\n<b>no markup</b>")
    screen.open()
    expect(screen.row("a.png").locator("img")).to_have_count(1)
    screen.row("a.png").get_by_role("link").click()
    expect(screen.dialog().locator(".stage img")).to_be_visible()
    screen.page.keyboard.press("ArrowRight")
    expect(screen.dialog().locator("pre")).to_have_text("Grüße\n<b>no markup</b>")
    screen.picture("preview")
    assert screen.page.url.endswith("/?view=b.txt")
    screen.page.go_back()
    expect(screen.dialog()).to_have_count(0)
    assert screen.page.url == f"{screen.url}/"


def test_a_pdf_is_shown_by_the_browsers_own_viewer(screen: Screen, files: Path) -> None:
    (files / "a.pdf").write_bytes(pdf(1000))
    screen.open("/?view=a.pdf")
    expect(screen.dialog().locator("iframe, .nothing")).to_have_count(1)


def test_addresses_lead_to_folders_and_the_back_button_works(screen: Screen, files: Path) -> None:
    (files / "Größe" / "b#c").mkdir(parents=True)
    (files / "Größe" / "b#c" / "d.txt").write_text("d")
    screen.open("/Gr%C3%B6%C3%9Fe/b%23c/")
    assert screen.names() == ["d.txt"]
    screen.page.get_by_role("navigation", name="Folder").get_by_role("link", name="Größe").click()
    expect(screen.row("b#c")).to_be_visible()
    screen.page.go_back()
    expect(screen.row("d.txt")).to_be_visible()
    assert screen.page.title() == "b#c – Filehost"


def test_a_folder_that_is_not_there_says_what_to_do(screen: Screen) -> None:
    screen.open("/missing/")
    expect(screen.page.get_by_role("heading", name="This folder is not here")).to_be_visible()
    screen.picture("missing")
    screen.page.get_by_role("button", name="Go to your files").click()
    expect(screen.page.get_by_role("heading", name="This folder is empty")).to_be_visible()
    screen.picture("empty")


def test_ten_thousand_entries_are_drawn_only_where_they_are_seen(screen: Screen, files: Path) -> None:
    for number in range(10_000):
        (files / f"file {number}.txt").touch()
    screen.open()
    rows = screen.page.locator(".rows .row")
    expect(screen.row("file 0.txt")).to_be_visible()
    assert rows.count() < 60
    screen.page.keyboard.press("Tab")
    screen.row("file 0.txt").focus()
    screen.page.keyboard.press("End")
    expect(screen.row("file 9999.txt")).to_be_focused()
    assert rows.count() < 60
    screen.page.keyboard.press("/")
    screen.page.keyboard.type("777")
    expect(screen.row("file 9777.txt")).to_be_visible()
    assert screen.page.locator(".list").get_attribute("aria-rowcount") == "20"


def test_entries_are_sorted_as_people_count(screen: Screen, files: Path) -> None:
    for name, size in (("file 10.txt", 1), ("File 9.txt", 3), ("äther.txt", 2)):
        (files / name).write_bytes(b"x" * size)
    (files / "zoo").mkdir()
    screen.open()
    assert screen.names() == ["zoo", "äther.txt", "File 9.txt", "file 10.txt"]
    screen.page.get_by_role("button", name="Size").click()
    assert screen.names() == ["zoo", "File 9.txt", "äther.txt", "file 10.txt"]
    screen.page.reload()
    screen.settle()
    assert screen.names() == ["zoo", "File 9.txt", "äther.txt", "file 10.txt"]
