"""The search for secrets in all logs, which ends every run of these tests: it finds what it is to find."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
LEAKY = """
from urllib.parse import quote
import pytest
from harness.dav import Client
from harness.server import Server

@pytest.mark.parametrize("turn", [1, 2])
def test_a_user_asks_for_a_file(tmp_path, turn):
    server = Server(tmp_path / "data", {"FILEHOST_LOG_FORMAT": "plain"}).start()
    anna = server.add_user("anna", password="a very long secret")
    with Client(server, anna) as client:
        client("GET", quote("/%s"))
    server.stop()
"""


def ran(folder: Path, path: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """A run of its own of a test that asks for this path."""
    (folder / "test_leaky.py").write_text(LEAKY % path)
    (folder / "pytest.ini").write_text("[pytest]\n")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "harness.leaks", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "several"])
def test_a_password_in_a_log_fails_the_run_though_every_test_passed(
    tmp_path: Path, options: Sequence[str]
) -> None:
    done = ran(tmp_path, "a very long secret.txt", options)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
    assert 'method=GET path="/<secret>.txt"' in done.stdout
    assert "a very long secret" not in done.stdout


def test_a_run_without_leaks_passes(tmp_path: Path) -> None:
    done = ran(tmp_path, "a very short name.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "secrets in logs" not in done.stdout
