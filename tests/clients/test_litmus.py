"""litmus, the WebDAV conformance suite: all its suites, no failure, no warning."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.server import Account, Server

pytestmark = pytest.mark.clients

SUITES = "basic copymove props locks http"
_SUMMARY = re.compile(r"summary for `(\w+)': of (\d+) tests run: (\d+) passed, (\d+) failed")


def test_litmus_passes_every_suite_without_a_warning(
    home_every_way: tuple[Server, Account], program: Callable[[str], str], tmp_path: Path
) -> None:
    server, account = home_every_way
    run = litmus(program("litmus"), server, account, tmp_path)
    results = {name: tuple(map(int, counts)) for name, *counts in _SUMMARY.findall(run)}
    assert results.keys() == set(SUITES.split()), run
    # neon does not wait for "100 Continue" over TLS.
    skipped = ["expect100"] if server.scheme == "https" else []
    assert re.findall(r"(\w+)\.* SKIPPED", run) == skipped, run
    assert sum(count for count, _, _ in results.values()) == 104 - len(skipped), run
    assert all(failed == 0 for _, _, failed in results.values()), run
    assert "WARNING" not in run, run


def litmus(program: str, server: Server, account: Account, folder: Path) -> str:
    """Run litmus in `folder`; what it printed."""
    command = [program, "-k", server.url + "/", *account.auth]
    environment = {"TESTS": SUITES, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    return done.stdout + done.stderr
