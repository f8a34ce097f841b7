"""GNOME's gvfs: what Files does with a server, driven by `gio` on a session bus of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.server import Account, Server

pytestmark = pytest.mark.clients

Gio = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Account]]:
    """A server with the default policy."""
    server = Server(tmp_path_factory.mktemp("data"), {"FILEHOST_SERVER_WORKERS": "2"}).start()
    yield server, server.add_user("alice")
    server.stop()


@pytest.fixture
def gio(office: tuple[Server, Account], program: Callable[[str], str], tmp_path: Path) -> Gio:
    """Run shell lines in a session in which the server is mounted; $DAV is its address."""
    server, account = office
    session, shell = program("dbus-run-session"), program("bash")
    program("gio")
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    address = server.url.replace("http", "dav", 1).replace("//", f"//{account.name}@") + "/"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime), "DAV": address}

    def run(lines: str) -> subprocess.CompletedProcess[str]:
        script = f'set -e; echo "{account.password}" | gio mount "$DAV" >/dev/null; {lines}'
        command = [session, "--", shell, "-c", script]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )

    return run


def test_files_are_copied_renamed_and_removed(gio: Gio, office: tuple[Server, Account], tmp_path: Path) -> None:
    server, account = office
    (tmp_path / "ein Brief ü.txt").write_text("words")
    done = gio(
        'gio mkdir "$DAV/letters" && gio copy "ein Brief ü.txt" "$DAV/letters/" && gio list "$DAV/letters" '
        '&& gio rename "$DAV/letters/ein Brief ü.txt" "letter.txt" && gio cat "$DAV/letters/letter.txt" '
        '&& gio move "$DAV/letters/letter.txt" "$DAV/letter.txt"'
        ' && gio remove "$DAV/letters" && gio list "$DAV"'
    )
    assert done.returncode == 0, done.stderr
    listed, _renamed, last = done.stdout.strip().split("\n")
    assert (listed, last) == ("ein Brief ü.txt", "wordsletter.txt")
    assert (server.files(account) / "letter.txt").read_text() == "words"


def test_an_editor_saves_in_place(gio: Gio, office: tuple[Server, Account]) -> None:
    server, account = office
    done = gio('echo first | gio save "$DAV/note.txt" && echo second | gio save "$DAV/note.txt"')
    assert done.returncode == 0, done.stderr
    assert (server.files(account) / "note.txt").read_text() == "second\n"


def test_a_refusal_is_shown_with_its_reason(gio: Gio, tmp_path: Path) -> None:
    (tmp_path / "evil.sh").write_text("#!/bin/sh")
    done = gio('gio copy evil.sh "$DAV/evil.sh"')
    assert done.returncode != 0
    assert "File type not allowed" in done.stderr


def test_the_room_is_shown(gio: Gio) -> None:
    done = gio('gio info -f "$DAV"')
    assert "filesystem::free" in done.stdout, done.stderr
