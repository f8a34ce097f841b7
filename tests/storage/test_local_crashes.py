"""A process killed at any instant loses nothing: `harness.crashes` says what is demanded.

FILEHOST_CRASH_ROUNDS asks for more kills than the hundreds of every full run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, rounds: int, seed: int) -> None:
    # In a process of its own: it forks, which one with pytest's threads should not.
    command = [sys.executable, "-m", "harness.crashes", str(folder), str(rounds), str(seed)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost" in done.stdout


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    run(tmp_path, rounds=15, seed=int.from_bytes(os.urandom(4)))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(4))
def test_a_process_killed_hundreds_of_times_loses_nothing(tmp_path: Path, seed: int) -> None:
    run(tmp_path, rounds=int(os.environ.get("FILEHOST_CRASH_ROUNDS", "200")) // 2, seed=seed)
