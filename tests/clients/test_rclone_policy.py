"""rclone's commands with the policy on, for both vendors that the documentation names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.dav import Client
from harness.drives import rclone_environment
from harness.server import Account, Server

pytestmark = pytest.mark.clients

PDF = b"%PDF-1.7\nwhat the document says\n"
Rclone = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the default policy."""
    server = Server(tmp_path_factory.mktemp("data"), {"FILEHOST_SERVER_WORKERS": "2"}).start()
    yield server
    server.stop()


@pytest.fixture(params=["owncloud", "other"])
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(office: Server, request: pytest.FixtureRequest) -> Account:
    name = "".join(letter for letter in request.node.name if letter.isalnum())[:60]
    return office.add_user(name)


@pytest.fixture
def rclone(
    office: Server, account: Account, vendor: str, program: Callable[[str], str], tmp_path: Path
) -> Rclone:
    """Run rclone with the remote `dav:`."""
    binary = program("rclone")
    environment = rclone_environment(office, account, binary, tmp_path, vendor)

    def run(*arguments: str | Path, fails: bool = False) -> subprocess.CompletedProcess[str]:
        command = [binary, *map(str, arguments)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=110, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Documents, one of an age that only a server which keeps times can show."""
    folder = tmp_path / "source"
    (folder / "in").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"words")
    (folder / "in" / "b ü.pdf").write_bytes(PDF)
    (folder / "empty.txt").write_bytes(b"")
    os.utime(folder / "a.txt", (1_500_000_000, 1_500_000_000))
    return folder


def test_sync_makes_the_target_like_the_source(rclone: Rclone, source: Path, tmp_path: Path) -> None:
    rclone("sync", source, "dav:docs")
    (source / "a.txt").unlink()
    (source / "c.txt").write_bytes(b"new")
    (source / "in" / "b ü.pdf").write_bytes(PDF + b"more")
    rclone("sync", source, "dav:docs")
    rclone("check", "--download", source, "dav:docs")
    again = rclone("sync", "-v", source, "dav:docs")
    assert "Copied" not in again.stderr


def test_check_compares_checksums(rclone: Rclone, source: Path, vendor: str) -> None:
    rclone("copy", source, "dav:docs")
    checked = rclone("check", source, "dav:docs")
    could_not = "hashes could not be checked"
    assert (could_not in checked.stderr) == (vendor == "other"), checked.stderr


def test_times_are_kept(rclone: Rclone, source: Path, vendor: str) -> None:
    rclone("copy", source, "dav:docs")
    listed = rclone("lsl", "dav:docs").stdout
    assert ("2017-07-14" in listed) == (vendor == "owncloud"), listed


def test_move_and_server_side_copy(rclone: Rclone, source: Path, office: Server, account: Account) -> None:
    rclone("copy", source, "dav:docs")
    rclone("moveto", "dav:docs/a.txt", "dav:docs/in/moved.txt")
    rclone("copyto", "dav:docs/in/moved.txt", "dav:docs/copied.txt")
    rclone("move", "dav:docs/in", "dav:elsewhere")
    assert (office.files(account) / "elsewhere" / "moved.txt").read_bytes() == b"words"
    assert (office.files(account) / "docs" / "copied.txt").read_bytes() == b"words"
    assert not (office.files(account) / "docs" / "in" / "b ü.pdf").exists()


@pytest.mark.parametrize("vendor", ["owncloud"], indirect=True)  # bisync needs times
def test_bisync_carries_changes_both_ways(
    rclone: Rclone, source: Path, office: Server, account: Account
) -> None:
    rclone("mkdir", "dav:docs")
    options = ["--workdir", source.parent / "bisync"]
    rclone("bisync", source, "dav:docs", "--resync", *options)
    (source / "here.txt").write_bytes(b"from here")
    with Client(office, account) as client:
        assert client.put("/docs/there.txt", b"from there").status == 201
    rclone("bisync", source, "dav:docs", *options)
    assert (source / "there.txt").read_bytes() == b"from there"
    assert (office.files(account) / "docs" / "here.txt").read_bytes() == b"from here"


def test_about_tells_the_room(rclone: Rclone) -> None:
    assert "Used:" in rclone("about", "dav:").stdout


def test_a_type_that_is_not_allowed_is_refused_in_words(rclone: Rclone, source: Path, vendor: str) -> None:
    (source / "evil.exe").write_bytes(b"MZ\x90\x00")
    refused = rclone("copy", source, "dav:docs", "--retries", "1", fails=True)
    assert "Files of type .exe are not allowed here" in refused.stderr
    listed = rclone("lsf", "-R", "dav:docs").stdout.split("\n")
    assert sorted(name for name in listed if name) == ["a.txt", "empty.txt", "in/", "in/b ü.pdf"]


def test_what_rclone_deletes_after_a_refusal_is_in_the_trash(
    rclone: Rclone, source: Path, office: Server, account: Account
) -> None:
    rclone("copy", source, "dav:docs")
    (source / "in" / "b ü.pdf").write_bytes(b"\x7fELF" + b"\0" * 50)
    rclone("copy", source, "dav:docs", "--retries", "1", fails=True)
    with Client(office, account) as client:
        kept = client.get("/docs/in/b%20%C3%BC.pdf")
        paths = client.propfind("/.filehost/trash/").paths
        trashed = {client.get(_quoted(path)).body for path in paths if path.endswith(".pdf")}
    assert kept.body == PDF or trashed == {PDF}


def _quoted(path: str) -> str:
    return path.replace(" ", "%20").replace("ü", "%C3%BC")


@pytest.mark.parametrize("vendor", ["owncloud"], indirect=True)
def test_the_trash_and_the_versions_are_folders(rclone: Rclone, source: Path, tmp_path: Path) -> None:
    rclone("copy", source, "dav:docs")
    (source / "a.txt").write_bytes(b"words, and more")
    rclone("copy", source, "dav:docs")
    (version,) = rclone("lsf", "dav:.filehost/versions/docs/a.txt").stdout.splitlines()
    rclone("copyto", f"dav:.filehost/versions/docs/a.txt/{version}", tmp_path / "version.txt")
    assert (tmp_path / "version.txt").read_bytes() == b"words"
    rclone("deletefile", "dav:docs/a.txt")
    (deleted,) = rclone("lsf", "dav:.filehost/trash").stdout.splitlines()
    rclone("moveto", f"dav:.filehost/trash/{deleted}", "dav:docs/back.txt")
    assert rclone("cat", "dav:docs/back.txt").stdout == "words, and more"
    assert rclone("lsf", "dav:.filehost/trash").stdout == ""
