"""The folder without scripts: everything needed works by plain forms, and no file can run as the user."""

from __future__ import annotations

import os
import re
from html import unescape
from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from zipfile import ZipFile

import pytest
from harness.page import SAME_SITE, TEXT_BROWSER, Host, Visitor

BOUNDARY = "----WebKitFormBoundaryabc"


def form(*parts: tuple[str, str | None, bytes], boundary: str = BOUNDARY) -> bytes:
    """A multipart body of (name, filename or None, content)."""
    body = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"\r\nContent-Type: text/plain' if filename is not None else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def upload(visitor: Visitor, *parts: tuple[str, str | None, bytes], path: str = "/?plain") -> tuple[int, str]:
    headers = {**SAME_SITE, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = visitor("POST", path, form(("token", None, visitor.token().encode()), *parts), headers)
    return answer.status, unescape(answer.text)


@pytest.fixture
def files(alice: Visitor, host: Host) -> Path:
    return host.files("alice")


def test_a_folder_is_listed_with_names_sizes_and_times(alice: Visitor, files: Path) -> None:
    (files / "Größe & Co.txt").write_bytes(b"x" * 1234)
    (files / "sub folder").mkdir()
    os.utime(files / "Größe & Co.txt", (1_700_000_000, 1_700_000_000))
    page = alice.get("/?plain").text
    assert '<a href="/Gr%C3%B6%C3%9Fe%20&amp;%20Co.txt">Größe &amp; Co.txt</a>' in page
    assert "1.2 kB" in page
    assert "2023-11-14 22:13" in page
    assert '<a href="/sub%20folder/?plain">sub folder/</a>' in page
    assert page.index("sub folder") < page.index("Größe")


def test_a_text_browser_gets_the_plain_page_at_once(alice: Visitor) -> None:
    assert "<form" in alice("GET", "/", headers=TEXT_BROWSER).text


def test_a_browser_without_scripts_is_led_to_the_plain_page(alice: Visitor, files: Path) -> None:
    (files / "a b").mkdir()
    page = alice.get("/a%20b/").text
    assert '<noscript><meta http-equiv="refresh" content="0; url=/a%20b/?plain"></noscript>' in page


def test_several_files_are_uploaded_at_once(alice: Visitor, files: Path) -> None:
    big = b"%PDF-1.7\n" + os.urandom(1_000_000) + b"\r\n--" + BOUNDARY.encode()[:-1]
    status, _ = upload(
        alice, ("file", "Füße.txt", b"one"), ("file", "big.pdf", big), ("file", "empty.txt", b"")
    )
    assert status == 303
    assert (files / "Füße.txt").read_bytes() == b"one"
    assert (files / "big.pdf").read_bytes() == big
    assert (files / "empty.txt").read_bytes() == b""


def test_an_upload_never_replaces_a_file_unasked(alice: Visitor, files: Path) -> None:
    (files / "a.txt").write_text("old")
    status, page = upload(alice, ("file", "a.txt", b"new"))
    assert status == 412
    assert "a.txt: a file of this name is here already" in page
    assert (files / "a.txt").read_text() == "old"
    assert upload(alice, ("replace", None, b"yes"), ("file", "a.txt", b"new"))[0] == 303
    assert (files / "a.txt").read_text() == "new"


@pytest.mark.parametrize("name", ["a.exe", "none", "../a.txt", ".filehost", "CON.txt", "a\\b.txt", "", ".."])
def test_a_refused_file_is_named_with_its_reason_and_the_others_are_kept(
    alice: Visitor, files: Path, name: str
) -> None:
    status, page = upload(alice, ("file", name, b"x"), ("file", "good.txt", b"y"))
    assert (files / "good.txt").read_bytes() == b"y"
    assert [path.name for path in files.iterdir()] == ["good.txt"]
    if name:
        assert status in (400, 403)
        assert f"{name}: " in page


def test_an_upload_that_breaks_off_leaves_nothing(alice: Visitor, files: Path) -> None:
    body = form(("token", None, alice.token().encode()), ("file", "a.txt", b"x" * 100_000))[:-60]
    headers = {**SAME_SITE, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    assert alice("POST", "/?plain", body, headers).status == 400
    assert list(files.iterdir()) == []


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "text/plain"]
)
def test_a_form_that_cannot_be_read_is_refused(alice: Visitor, content_type: str) -> None:
    assert alice("POST", "/?plain", b"nonsense", {**SAME_SITE, "Content-Type": content_type}).status in (
        400,
        403,
    )


def test_chosen_entries_are_deleted(alice: Visitor, files: Path) -> None:
    for name in ("a.txt", "b & c.txt", "kept.txt"):
        (files / name).write_text(name)
    fields = {"token": alice.token(), "action": "delete", "name": ["a.txt", "b & c.txt"]}
    assert alice.post("/?plain", fields).headers["Location"] == "/?plain&done=deleted"
    assert [path.name for path in files.iterdir()] == ["kept.txt"]


def test_a_folder_is_made(alice: Visitor, files: Path) -> None:
    assert alice.post("/?plain", {"token": alice.token(), "folder": "Neu & schön"}).status == 303
    assert (files / "Neu & schön").is_dir()
    assert alice.post("/?plain", {"token": alice.token(), "folder": "Neu & schön"}).status == 409


def test_a_missing_folder_says_so_in_a_page(alice: Visitor) -> None:
    answer = alice("GET", "/missing/", headers={**TEXT_BROWSER, "Cookie": ""})
    assert answer.status == 404
    assert "<main" in answer.text


HOSTILE = [
    "<script>alert(1)</script>.txt",
    "<img src=x onerror=alert(1)>.txt",
    '" onmouseover="alert(1).txt',
    "' onfocus='alert(1).txt",
    "</script><script>alert(1)</script>.txt",
    "javascript:alert(1).txt",
    "{{7*7}}${7*7}.txt",
    "a$user.txt",
    "%3Cscript%3E.txt",
    "&lt;b&gt;.txt",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_only_ever_text(alice: Visitor, files: Path, name: str) -> None:
    name = name.replace("/", "\u2215")
    (files / name).write_text("x")
    (files / f"{name}.d").mkdir()
    for path in ("/", f"/{quote(name)}.d/"):
        page = alice.get(f"{path}?plain").text
        assert name in unescape(page)
        assert name not in page or not set(name) & set("<>\"'&")
        assert not re.search(r"<(script|img)[^>]*(alert|onerror)", page)


def test_a_folder_is_downloaded_as_a_zip(alice: Visitor, files: Path) -> None:
    (files / "Fotos" / "leer").mkdir(parents=True)
    (files / "Fotos" / "ä.png").write_bytes(os.urandom(100_000))
    answer = alice.get("/.filehost/zip?path=/Fotos")
    assert (
        answer.headers["Content-Disposition"]
        == "attachment; filename=\"Fotos.zip\"; filename*=UTF-8''Fotos.zip"
    )
    with ZipFile(BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"Fotos/", "Fotos/leer/", "Fotos/ä.png"}
        assert archive.read("Fotos/ä.png") == (files / "Fotos" / "ä.png").read_bytes()
