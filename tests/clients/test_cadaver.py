"""cadaver, the command line client on neon: a whole session with the policy on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.server import Account, Server

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Account]]:
    server = Server(tmp_path_factory.mktemp("data")).start()
    yield server, server.add_user("alice")
    server.stop()


def test_a_session(office: tuple[Server, Account], program: Callable[[str], str], tmp_path: Path) -> None:
    server, account = office
    (tmp_path / ".netrc").write_text(f'machine 127.0.0.1 login {account.name} password "{account.password}"\n')
    (tmp_path / ".netrc").chmod(0o600)
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "evil.sh").write_text("#!/bin/sh")
    commands = """
        mkcol docs
        put a.txt docs/a.txt
        put evil.sh docs/evil.sh
        lock docs/a.txt
        discover docs/a.txt
        unlock docs/a.txt
        set colour blue
        copy docs/a.txt docs/b.txt
        move docs/b.txt docs/c.txt
        get docs/c.txt back.txt
        delete docs/a.txt
        ls docs
        quit
    """
    done = subprocess.run(
        [program("cadaver"), server.url + "/"],
        input="\n".join(line.strip() for line in commands.strip().splitlines()),
        env={**os.environ, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (tmp_path / "back.txt").exists(), done.stdout + done.stderr
    assert (tmp_path / "back.txt").read_text() == "words", done.stdout
    assert {path.name for path in (server.files(account) / "docs").iterdir()} == {"c.txt"}
    refused = next(line for line in done.stdout.splitlines() if "403" in line)
    assert "File type not allowed" in refused
    assert "Locking `docs/a.txt': succeeded" in done.stdout
    assert "Unlocking `docs/a.txt': succeeded" in done.stdout
