"""Zips are made while they are sent: right for any name and size, and never half of one for a whole."""

from __future__ import annotations

import os
import struct
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from harness.page import SAME_SITE, Host, Visitor

from filehost_dav.errors import Truncated
from filehost_dav.paths import FilePath
from filehost_dav.web.archive import zip_stream

ROOT = FilePath.root()


@pytest.fixture
def files(host: Host) -> Path:
    return host.files("alice")


def whole(host: Host, *paths: str) -> bytes:
    chosen = [FilePath.parse(path) for path in paths] or [ROOT]
    return b"".join(zip_stream(host.home("alice"), chosen))


def test_names_of_every_script_and_their_times_are_kept(host: Host, files: Path) -> None:
    names = ["ä ö.txt", "日本語.txt", "файл.txt", "🙂.txt", "a&b;c%20.txt"]
    for number, name in enumerate(names):
        (files / name).write_text(name)
        os.utime(files / name, (1_700_000_001 + number, 1_700_000_001 + number))
    with zipfile.ZipFile(BytesIO(whole(host))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(names)
        for number, name in enumerate(names):
            info = archive.getinfo(name)
            assert archive.read(name).decode() == name
            assert info.extra.endswith(struct.pack("<HHBl", 0x5455, 5, 1, 1_700_000_001 + number))


def test_a_file_from_before_1980_has_a_time_that_zip_can_hold(host: Host, files: Path) -> None:
    (files / "old.txt").write_text("old")
    os.utime(files / "old.txt", (0, 0))
    with zipfile.ZipFile(BytesIO(whole(host))) as archive:
        assert archive.getinfo("old.txt").date_time[0] == 1980


def test_a_chosen_folder_stands_under_its_own_name(host: Host, files: Path) -> None:
    (files / "a" / "b" / "c").mkdir(parents=True)
    (files / "a" / "b" / "c" / "d.txt").write_text("d")
    with zipfile.ZipFile(BytesIO(whole(host, "/a/b"))) as archive:
        assert archive.namelist() == ["b/", "b/c/", "b/c/d.txt"]


def test_other_programs_read_it(host: Host, files: Path, tmp_path: Path) -> None:
    (files / "sub").mkdir()
    (files / "sub" / "ü.txt").write_bytes(b"x" * 100_000)
    (tmp_path / "a.zip").write_bytes(whole(host))
    listing = subprocess.run(
        ["python3", "-m", "zipfile", "-e", "a.zip", "out"], cwd=tmp_path, check=False, capture_output=True
    )
    assert listing.returncode == 0, listing.stderr
    assert (tmp_path / "out" / "sub" / "ü.txt").stat().st_size == 100_000


@pytest.mark.slow
def test_a_file_beyond_4_gib_is_zip64_and_takes_no_memory(host: Host, files: Path) -> None:
    size = (4 << 30) + 5
    with (files / "big.txt").open("wb") as file:
        file.truncate(size)
    total = largest = 0
    tail = b""
    for piece in zip_stream(host.home("alice"), [ROOT]):
        total, largest, tail = total + len(piece), max(largest, len(piece)), (tail + piece)[-300:]
    assert size < total < size + 1000
    assert largest <= 2 << 20
    assert b"PK\x06\x06" in tail  # the zip64 end of central directory
    assert struct.pack("<Q", size) in tail


def test_a_file_that_shrinks_ends_the_stream_before_the_zips_end(host: Host, files: Path) -> None:
    (files / "a.txt").write_bytes(b"x" * 8_000_000)
    stream = zip_stream(host.home("alice"), [ROOT])
    received = next(stream)
    os.truncate(files / "a.txt", 0)
    with pytest.raises(Truncated):
        received += b"".join(stream)
    assert b"PK\x05\x06" not in received  # no end of central directory: nobody takes it for whole


def test_a_selection_of_thousands_is_asked_for_by_a_form(alice: Visitor, files: Path) -> None:
    names = [f"file {number} with a name of some length.txt" for number in range(2000)]
    for name in names:
        (files / name).touch()
    answer = alice.post("/.filehost/zip", {"token": alice.token(), "path": "/", "name": names}, SAME_SITE)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="alice.zip"')
    with zipfile.ZipFile(BytesIO(answer.body)) as archive:
        assert set(archive.namelist()) == set(names)


@pytest.mark.parametrize(
    ("query", "status"),
    [("path=/missing", 404), ("path=/&name=missing.txt", 404), ("path=/..", 400), ("path=/&name=../bob", 400)],
)
def test_what_is_not_there_is_an_answer_and_no_zip(alice: Visitor, query: str, status: int) -> None:
    answer = alice.get(f"/.filehost/zip?{query}")
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("text/html")
