"""rclone: a tree of 500 files with difficult names goes up and comes back, byte for byte."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.server import Account, Server

pytestmark = pytest.mark.clients

Rclone = Callable[..., str]


@pytest.fixture
def rclone(home: tuple[Server, Account], program: Callable[[str], str], tmp_path: Path) -> Rclone:
    """Run rclone with the remote `dav:`; its output. A non-zero exit is an AssertionError."""
    server, account = home
    binary = program("rclone")
    obscured = subprocess.run([binary, "obscure", account.password], capture_output=True, text=True, check=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": server.url,
        "RCLONE_CONFIG_DAV_VENDOR": "owncloud",
        "RCLONE_CONFIG_DAV_USER": account.name,
        "RCLONE_CONFIG_DAV_PASS": obscured.stdout.strip(),
        "RCLONE_WEBDAV_PACER_MIN_SLEEP": "0",
    }

    def run(*arguments: str, **settings: str) -> str:
        done = subprocess.run(
            [binary, *arguments],
            env={**environment, **settings},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_a_tree_of_500_files_goes_up_and_comes_back(rclone: Rclone, documents: Path, tmp_path: Path) -> None:
    rclone("copy", str(documents), "dav:docs", "--transfers", "8")
    rclone("check", str(documents), "dav:docs")
    rclone("check", "--download", str(documents), "dav:docs")
    rclone("copy", "dav:docs", str(tmp_path / "back"))
    rclone("check", str(documents), str(tmp_path / "back"))


def test_listing_shows_every_file_with_its_size_and_time(rclone: Rclone, documents: Path) -> None:
    rclone("copy", str(documents), "dav:docs", "--transfers", "8")
    assert sorted(rclone("lsl", "dav:docs").splitlines()) == sorted(_lines(documents))


@pytest.mark.parametrize("algorithm", ["md5", "sha1"])
def test_both_of_its_checksums_are_told(rclone: Rclone, documents: Path, algorithm: str) -> None:
    rclone("copy", str(documents), "dav:docs", "--transfers", "8")
    told = rclone("hashsum", algorithm, "dav:docs").splitlines()
    assert sorted(told) == sorted(rclone("hashsum", algorithm, str(documents)).splitlines())


def test_about_tells_the_users_own_room(rclone: Rclone, documents: Path) -> None:
    before = json.loads(rclone("about", "dav:", "--json"))
    rclone("copy", str(documents), "dav:docs", "--transfers", "8")
    after = json.loads(rclone("about", "dav:", "--json"))
    assert after["used"] - before["used"] == sum(file.stat().st_size for file in documents.rglob("*.txt"))
    assert after["free"] > 0


def _lines(root: Path) -> list[str]:
    lines = []
    for file in root.rglob("*.txt"):
        facts = file.stat()
        time = datetime.datetime.fromtimestamp(int(facts.st_mtime)).strftime("%Y-%m-%d %H:%M:%S")
        lines.append(f"{facts.st_size:9} {time}.000000000 {file.relative_to(root)}")
    return lines
