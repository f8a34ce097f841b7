"""Uploads in a real browser: every way in, and everything that can come between."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from harness.browser import Screen, expect
from harness.contents import pdf, png
from playwright.sync_api import Route

pytestmark = pytest.mark.clients

Open = Callable[..., AbstractContextManager[Screen]]


def test_files_are_uploaded_by_the_chooser_with_their_times(
    screen: Screen, files: Path, tmp_path: Path
) -> None:
    source = tmp_path / "Größe & Co.pdf"
    source.write_bytes(pdf(3_000_000))
    os.utime(source, (1_600_000_000, 1_600_000_000))
    screen.open()
    screen.choose_files(source)
    expect(screen.page.locator(".uploads h2")).to_have_text("1 file uploaded")
    expect(screen.row("Größe & Co.pdf")).to_be_visible()
    stored = files / "Größe & Co.pdf"
    assert hashlib.sha256(stored.read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()
    assert int(stored.stat().st_mtime) == 1_600_000_000


def test_files_are_uploaded_by_drop_also_into_a_folder_of_the_list(screen: Screen, files: Path) -> None:
    (files / "sub").mkdir()
    screen.open()
    screen.drop({"one.txt": "1", "two.txt": "2"})
    expect(screen.row("two.txt")).to_be_visible()
    screen.drop({"three.txt": "3"}, ".rows .row")
    expect(screen.page.locator(".uploads h2")).to_have_text("1 file uploaded")
    assert sorted(path.name for path in files.iterdir()) == ["one.txt", "sub", "two.txt"]
    assert (files / "sub" / "three.txt").read_text() == "3"


def test_a_pasted_picture_is_uploaded(screen: Screen, files: Path) -> None:
    screen.open()
    screen.page.evaluate(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
            const how = { clipboardData: transfer, bubbles: true };
            document.body.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        list(png()),
    )
    expect(screen.page.locator(".uploads h2")).to_have_text("1 file uploaded")
    (stored,) = files.iterdir()
    assert stored.read_bytes() == png()


def test_a_whole_folder_is_uploaded_without_its_systems_own_files(
    screen: Screen, files: Path, tmp_path: Path
) -> None:
    tree = {"Trip/a.txt": b"a", "Trip/Day 1/b.txt": b"b", "Trip/Day 1/Day 2/ü.txt": b"c"}
    for name, content in {**tree, "Trip/.DS_Store": b"x", "Trip/Thumbs.db": b"x"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    screen.open()
    screen.page.locator("input[webkitdirectory]").set_input_files(tmp_path / "Trip")
    expect(screen.page.locator(".uploads h2")).to_have_text("3 files uploaded")
    expect(screen.row("Trip")).to_be_visible()
    stored = {str(path.relative_to(files)): path.read_bytes() for path in files.rglob("*") if path.is_file()}
    assert stored == tree


def test_a_refused_file_is_not_sent_and_the_rule_is_said(screen: Screen, files: Path) -> None:
    sent: list[str] = []
    screen.open()
    screen.page.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    screen.drop({"virus.exe": "x", "good.txt": "y", "a:b.txt": "z", "none": "n"})
    expect(screen.page.locator(".uploads h2")).to_have_text("3 files were not uploaded")
    panel = screen.page.locator(".uploads")
    expect(panel).to_contain_text("Files of type .exe are not allowed here.")
    expect(panel).to_contain_text("A name may not contain")
    expect(panel).to_contain_text("Files without a type are not allowed here.")
    screen.picture("upload-refused")
    assert sent == [f"{screen.url}/good.txt"]


def test_progress_is_seen_and_an_upload_can_be_cancelled(screen: Screen, files: Path) -> None:
    screen.open()
    network = screen.context.new_cdp_session(screen.page)
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1_500_000},
    )
    screen.choose_files({"name": "big.pdf", "mimeType": "application/pdf", "buffer": pdf(6_000_000)})
    bar = screen.page.locator(".uploads > progress")
    expect(bar).to_be_visible()
    expect(bar).not_to_have_js_property("value", 0)
    assert 0 < bar.evaluate("bar => bar.value") < 1
    expect(screen.page.locator(".uploads header p")).to_contain_text("/s")
    screen.picture("upload-running")
    screen.page.get_by_role("button", name="Cancel big.pdf").click()
    expect(screen.page.locator(".uploads li")).to_contain_text("Cancelled")
    assert list(files.iterdir()) == []


def test_a_broken_connection_is_tried_again_and_the_queue_goes_on(screen: Screen, files: Path) -> None:
    failures = iter(["connectionreset", "connectionfailed"])

    def fail_twice(route: Route) -> None:
        reason = next(failures, None) if route.request.method == "PUT" else None
        route.abort(reason) if reason else route.continue_()

    screen.open()
    screen.page.route("**/first.txt", fail_twice)
    screen.drop({"first.txt": "1", "second.txt": "2"})
    expect(screen.page.locator(".uploads")).to_contain_text("No connection, trying again soon")
    expect(screen.page.locator(".uploads h2")).to_have_text("2 files uploaded", timeout=20_000)
    assert (files / "first.txt").read_text() == "1"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Replace", {"a.txt": "new"}),
        ("Keep both", {"a.txt": "old", "a (2).txt": "new"}),
        ("Skip", {"a.txt": "old"}),
    ],
)
def test_a_name_clash_is_asked_about(
    screen: Screen, files: Path, answer: str, expected: dict[str, str]
) -> None:
    (files / "a.txt").write_text("old")
    screen.open()
    screen.drop({"a.txt": "new"})
    expect(screen.dialog()).to_contain_text("a.txt is in this folder already.")
    screen.picture("clash")
    screen.dialog().get_by_role("button", name=answer).click()
    expect(screen.page.locator(".uploads h2")).to_contain_text("uploaded")
    assert {path.name: path.read_text() for path in files.iterdir()} == expected


def test_one_answer_can_hold_for_all_clashes(screen: Screen, files: Path) -> None:
    for number in range(5):
        (files / f"{number}.txt").write_text("old")
    screen.open()
    screen.drop({f"{number}.txt": "new" for number in range(5)})
    screen.dialog().get_by_label("Do the same").check()
    screen.dialog().get_by_role("button", name="Replace").click()
    expect(screen.page.locator(".uploads h2")).to_have_text("5 files uploaded")
    assert {path.read_text() for path in files.iterdir()} == {"new"}


def test_a_file_that_changes_while_the_question_stands_is_asked_about_again(
    screen: Screen, files: Path
) -> None:
    (files / "a.txt").write_text("old")
    screen.open()
    screen.drop({"a.txt": "mine"})
    expect(screen.dialog()).to_be_visible()
    replacement = files / "b.txt"
    replacement.write_text("somebody else's")

    def change_then_send(route: Route) -> None:
        if route.request.method == "PUT" and replacement.exists():
            replacement.replace(files / "a.txt")
        route.continue_()

    screen.page.route("**/a.txt", change_then_send)
    screen.dialog().get_by_role("button", name="Replace").click()
    expect(screen.dialog()).to_be_visible()
    assert (files / "a.txt").read_text() == "somebody else's"
    screen.dialog().get_by_role("button", name="Skip").click()
    expect(screen.page.locator(".uploads li")).to_contain_text("Skipped")
    assert (files / "a.txt").read_text() == "somebody else's"


def test_a_content_that_does_not_fit_its_name_is_refused_in_the_visitors_language(
    open_window: Open, files: Path
) -> None:
    with open_window(locale="de-DE") as screen:
        screen.open()
        screen.drop({"fake.pdf": "no pdf at all"})
        expect(screen.page.locator(".uploads")).to_contain_text("Der Inhalt passt nicht zum Typ der Datei.")
    assert list(files.iterdir()) == []


def test_when_nothing_helps_the_file_stays_on_the_list_and_can_be_sent_again(
    screen: Screen, files: Path
) -> None:
    screen.page.clock.install()
    screen.open()
    screen.page.route("**/a.txt", lambda route: route.abort("connectionreset"))
    screen.drop({"a.txt": "a"})
    again = screen.page.get_by_role("button", name="Try a.txt again")
    for _ in range(8):
        if again.is_visible():
            break
        expect(again.or_(screen.page.get_by_text("No connection, trying again soon"))).to_be_visible()
        screen.page.clock.fast_forward(31_000)
    expect(screen.page.locator(".uploads h2")).to_have_text("1 file was not uploaded")
    expect(screen.page.locator(".uploads li")).to_contain_text("The server does not answer.")
    screen.page.unroute("**/a.txt")
    again.click()
    expect(screen.page.locator(".uploads h2")).to_have_text("1 file uploaded")
    assert (files / "a.txt").read_text() == "a"


def test_the_other_files_go_on_while_a_question_stands(screen: Screen, files: Path) -> None:
    for number in range(4):
        (files / f"old {number}.txt").write_text("old")
    screen.open()
    screen.drop({**{f"old {number}.txt": "new" for number in range(4)}, "new 1.txt": "1", "new 2.txt": "2"})
    expect(screen.dialog()).to_be_visible()
    expect(screen.page.locator(".uploads li.done")).to_have_count(2)
    screen.dialog().get_by_label("Do the same").check()
    screen.dialog().get_by_role("button", name="Skip").click()
    expect(screen.page.locator(".uploads h2")).to_have_text("2 files uploaded")
    assert {path.read_text() for path in files.glob("old *")} == {"old"}
