"""What continuous integration leans on does find what it is there to find."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def ci(name: str, *arguments: str | Path, path: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": path}
    return subprocess.run(
        [ROOT / ".ci" / name, *arguments], env=env, capture_output=True, text=True, timeout=110, check=False
    )


def test_no_secret_is_committed() -> None:
    done = ci("secrets")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_secret_that_is_about_to_be_committed_is_found(tmp_path: Path) -> None:
    careless = tmp_path / "settings.toml"
    careless.write_text('key = "AKIA' + 'QYLPMN5HNM4OTIBB"\n')
    done = ci("secrets", careless)
    assert done.returncode == 1
    assert "AWS Access Key" in done.stderr


def test_the_bill_of_materials_names_every_library_that_runs() -> None:
    listed = {component["name"].lower() for component in json.loads(ci("sbom").stdout)["components"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"]]
    for extra in set(project["optional-dependencies"]) - {"test", "bench", "dev"}:
        needed += project["optional-dependencies"][extra]
    names = {re.split(r"[^\w.-]", item)[0].lower() for item in needed}
    assert len(names) > 10
    assert names <= listed


def test_an_audit_that_could_ask_nobody_does_not_pass_for_one(tmp_path: Path) -> None:
    """The auditor itself says that nothing is known to be wrong, and ends with 0."""
    assert audited(tmp_path, [{"name": "a", "skip_reason": "not found"}]).returncode == 75
    assert "NOT AUDITED" in audited(tmp_path, []).stdout


def test_an_audit_passes_when_nothing_is_known_and_fails_when_something_is(tmp_path: Path) -> None:
    sound = {"name": "b", "version": "1", "vulns": []}
    hole = {"id": "PYSEC-1", "fix_versions": ["2"]}
    assert audited(tmp_path, [sound]).returncode == 0
    done = audited(tmp_path, [sound, {"name": "c", "version": "1", "vulns": [hole]}])
    assert done.returncode == 1
    assert "c 1: PYSEC-1, mended in 2" in done.stdout


def audited(folder: Path, found: list[dict[str, object]]) -> subprocess.CompletedProcess[str]:
    """What the script makes of the auditor's report."""
    (folder / "pip_audit.py").write_text(f"print({json.dumps({'dependencies': found})!r})")
    return ci("audit", path=str(folder))
