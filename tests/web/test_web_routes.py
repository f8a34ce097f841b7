"""Whose address is it: the page answers people who look at folders, WebDAV answers everything else."""

from __future__ import annotations

import pytest
from harness.page import BROWSER, SCRIPT, Host, Visitor
from testbed.bodies import Bytes

from filehost_dav.paths import FilePath

PROGRAM = {"User-Agent": "davfs2/1.7", "Accept": "*/*"}
KONQUEROR = {
    "User-Agent": "Mozilla/5.0 KIO/5.1",
    "Accept": "text/html, text/*;q=0.9, image/jpeg;q=0.9, */*;q=0.1",
}


@pytest.fixture
def tree(alice: Visitor, host: Host) -> Visitor:
    """Alice has a folder, a file, and an earlier version of it."""
    (host.files("alice") / "sub").mkdir()
    for content in (b"old", b"new"):
        host.home("alice").write(FilePath.parse("/a.txt"), Bytes(content))
    return alice


@pytest.mark.parametrize(
    "path",
    ["/", "/sub/", "/missing/", "/missing", "/.filehost/trash/", "/.filehost/versions/", "/.filehost/connect"],
)
def test_a_window_that_goes_to_a_folder_gets_the_page(tree: Visitor, path: str) -> None:
    assert '<div id="app">' in tree.get(path).text


def test_a_window_that_goes_to_a_folder_without_its_slash_is_led_there(tree: Visitor) -> None:
    answer = tree.get("/sub")
    assert (answer.status, answer.headers["Location"]) == (303, "/sub/")


def test_a_window_that_goes_to_a_file_or_an_earlier_version_gets_the_file(tree: Visitor, host: Host) -> None:
    (version,) = host.home("alice").list(FilePath.parse("/.filehost/versions/a.txt"))
    for path in ("/a.txt", version.path.as_url()):
        assert tree.get(path).text == "WebDAV for alice"


@pytest.mark.parametrize("headers", [PROGRAM, SCRIPT], ids=["a program", "the page's own script"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "PUT", "MKCOL", "DELETE"])
def test_programs_and_scripts_speak_webdav(tree: Visitor, method: str, headers: dict[str, str]) -> None:
    fields = {"Origin": f"http://127.0.0.1:{tree.port}", **headers}
    for path in ("/", "/sub/", "/a.txt", "/.filehost/trash/", "/.filehost/versions/a.txt/"):
        answer = tree(method, path, headers=fields)
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.text in ("", "WebDAV for alice")


def test_a_browser_without_fetch_headers_is_a_program_until_it_asks_for_html(tree: Visitor) -> None:
    assert "<form" in tree("GET", "/", headers=KONQUEROR).text
    assert tree("PROPFIND", "/", headers=KONQUEROR).text == "WebDAV for alice"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/.filehost/", 303),
        ("HEAD", "/", 200),
        ("HEAD", "/.filehost/account", 200),
        ("PUT", "/.filehost/page", 405),
        ("DELETE", "/.filehost/account", 405),
        ("GET", "/.filehost/signout", 405),
        ("GET", "/.filehost/signin", 303),
        ("GET", "/%ff%fe/", 404),
        ("GET", "/a%00b/", 400),
    ],
)
def test_odd_requests_get_plain_answers(tree: Visitor, method: str, path: str, status: int) -> None:
    answer = tree(method, path, headers={**BROWSER, "Sec-Fetch-Site": "same-origin"})
    assert answer.status == status
    if method == "HEAD":
        assert answer.body == b""


def test_a_broken_sign_in_form_gets_a_page_too(visitor: Visitor) -> None:
    answer = visitor("POST", "/.filehost/signin", b"x" * 100, {**BROWSER, "Content-Length": "3000000"})
    assert answer.status == 400
    assert "too large" in answer.text
