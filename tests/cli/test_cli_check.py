"""`check`, `status`, `doctor`, `backup`, `restore` and `export` on real folders."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Protocol

import pytest
from harness.server import Account, Server, run

from filehost_dav.paths import FilePath
from filehost_dav.storage.local import LocalStorage


class Machine(Protocol):
    """The command line on one data folder."""

    data: Path

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0, **settings: str) -> str: ...

    def json(self, *arguments: str, code: int = 0) -> Any: ...


class Bytes:
    """A body from memory."""

    def __init__(self, content: bytes) -> None:
        self._rest = content
        self.length = len(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def store(machine: Machine, path: str, content: bytes) -> None:
    storage = LocalStorage(machine.data)
    storage.tree("anna").write(FilePath.parse(path), Bytes(content))
    storage.close()


def problems(machine: Machine, *options: str) -> list[str]:
    remarks = machine.json("check", *options, code=1)
    return [f"{remark['about']}: {remark['message']}" for remark in remarks if remark["level"] == "problem"]


def test_a_healthy_server_has_no_problem_and_shows_its_limits(anna: Machine) -> None:
    store(anna, "/a.txt", b"x")
    said = anna("check")
    assert "problem" not in said
    for shown in ("1, of which 0 disabled", "one file: no limit", "failed sign-ins", "free; uploads leave"):
        assert shown in said


def test_before_the_first_start_it_makes_nothing(machine: Machine) -> None:
    assert "does not exist yet" in machine("check")
    assert not machine.data.exists()


def test_settings_that_cannot_be_used_have_their_own_code(machine: Machine) -> None:
    assert "FILEHOST_SERVER_PORT" in machine("check", code=78, FILEHOST_SERVER_PORT="x")


def test_names_that_cannot_be_served_are_reported(anna: Machine) -> None:
    store(anna, "/a.txt", b"x")
    folder = anna.data / "files" / "anna"
    os.symlink("/etc/passwd", folder / "link.txt")
    (folder / "tab\there.txt").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_bytes(b"x")
    found = problems(anna)
    assert len(found) == 3
    assert all(problem.startswith("files of anna: /") for problem in found)


def test_a_data_folder_that_everybody_can_write_is_reported(anna: Machine) -> None:
    anna.data.chmod(0o777)
    (problem,) = problems(anna)
    assert "open to everybody" in problem


def test_a_broken_database_is_reported(anna: Machine) -> None:
    file = anna.data / "state.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    content = bytearray(file.read_bytes())
    content[3 * 4096 : 4 * 4096] = os.urandom(4096)
    file.write_bytes(content)
    assert any(problem.startswith("records: ") for problem in problems(anna))


def test_rot_is_found_by_checksums(anna: Machine) -> None:
    store(anna, "/a.txt", b"what was stored")
    assert "1 files read" in anna("check", "--checksums")
    file = anna.data / "files" / "anna" / "a.txt"
    before = file.stat()
    with file.open("r+b") as content:
        content.write(b"WHAT")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert problems(anna, "--checksums") == ["files of anna: /a.txt is not what was stored"]


def test_folders_of_removed_users_are_noted(anna: Machine) -> None:
    store(anna, "/a.txt", b"x")
    anna("user", "remove", "anna")
    assert "belongs to no user" in anna("check")


def test_a_backup_is_a_server_s_data_and_restores(anna: Machine, tmp_path: Path) -> None:
    store(anna, "/a.txt", b"first")
    anna("backup", str(tmp_path / "copy"))
    store(anna, "/b.txt", b"second")
    assert "1 files copied, 6 B" in anna("backup", str(tmp_path / "copy"))
    other = type(anna)(tmp_path / "other")  # type: ignore[call-arg]
    assert "2 files restored" in other("restore", str(tmp_path / "copy"))
    assert (other.data / "files" / "anna" / "b.txt").read_bytes() == b"second"
    assert other.json("user", "list")[0]["name"] == "anna"
    assert "problem" not in other("check", "--checksums")
    assert "already" in other("restore", str(tmp_path / "copy"), code=1)


def test_a_user_s_files_are_exported_as_plain_files(anna: Machine, tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        store(anna, "/a.txt", content)
    anna("export", "anna", str(tmp_path / "out"))
    assert (tmp_path / "out" / "files" / "a.txt").read_bytes() == b"second"
    (version,) = (tmp_path / "out" / "versions" / "a.txt").iterdir()
    assert version.read_bytes() == b"first"


@pytest.mark.parametrize("command", [("backup", "x"), ("export", "anna", "x")])
def test_nothing_is_backed_up_where_nothing_is(machine: Machine, command: tuple[str, ...]) -> None:
    assert "There is no server's data" in machine(*command, code=1)


def test_status_is_in_numbers(anna: Machine) -> None:
    store(anna, "/a.txt", b"12345")
    status = anna.json("status")
    assert (status["locks"], status["sessions"], status["waiting"]) == (0, 0, 0)
    assert status["users"] == [{"user": "anna", "used": 5, "quota": None}]
    assert "anna  5 B" in anna("status")


def test_the_doctor_s_report_holds_no_secret(anna: Machine) -> None:
    report = anna(
        "doctor",
        FILEHOST_DATABASE_URL="postgresql://me:hunter2@db/x",
        FILEHOST_WEBHOOK_SECRET="hunter2",
        FILEHOST_WEBHOOK_URL="https://example.org/",
    )
    assert "hunter2" not in report
    assert "database.url = postgresql://me:***@db/x" in report
    assert "wsgidav 4." in report


def test_a_running_server_is_tried_from_outside_and_left_as_it_was(server: Server, account: Account) -> None:
    said = run("check", "--url", server.url, "--user", account.name, stdin=account.password)
    assert "problem" not in said.stdout
    for about in ("options", "sign-in", "large files", "names", "locks", "copy and move"):
        assert f"ok  {about}: works" in said.stdout
    assert list(server.files(account).iterdir()) == []


def test_without_a_user_it_tries_what_anybody_may(server: Server) -> None:
    said = run("check", "--url", server.url)
    assert "Give --user" in said.stdout


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "files.example.org", "ftp://x/"])
def test_an_address_where_nothing_is_is_said(url: str) -> None:
    said = run("check", "--url", url, check=False)
    assert said.returncode == 1
    assert "Traceback" not in said.stderr


def test_limits_are_said_to_hold_in_each_process(machine: Machine) -> None:
    machine("user", "add", "anna", stdin="secret\n")
    alone = machine("check", FILEHOST_SERVER_WORKERS="1")
    assert "at a time: 1500 requests of an address" in alone
    several = machine("check", FILEHOST_SERVER_WORKERS="3")
    assert "at a time, in each of the 3 processes for itself: 1500 requests of an address" in several
