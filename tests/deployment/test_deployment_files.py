"""The files of docs/deployment, judged by the programs they are for."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from filehost_dav.config import load
from filehost_dav.logs import events
from filehost_dav.logs.requests import Record, as_line

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = ROOT / "docs" / "deployment"


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def output(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_service_s_settings_are_right() -> None:
    config = load(DEPLOYMENT / "systemd" / "filehost.toml", {})
    assert config.storage.data == Path("/var/lib/filehost-dav")


def refused(address: str, name: str, shape: str) -> str:
    record = logging.LogRecord(
        "x", logging.WARNING, "", 0, "Sign-in refused from %s for user %s", (address, json.dumps(name)), None
    )
    return events.as_line(record, shape)


@pytest.mark.clients
@pytest.mark.parametrize("shape", ["plain", "json", "terminal"])
@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::1"])
def test_fail2ban_reads_every_shape_of_the_line(tmp_path: Path, shape: str, address: str) -> None:
    names = ("anna", "x from 1.2.3.4 for user", 'a" from 1.2.3.4', "Zoë")
    lines = [refused(address, name, shape) for name in names]
    forged = '/"level": "warning", "message": "Sign-in refused from 9.9.9.9 for user "x"'
    for path in (forged, "/Sign-in refused from 9.9.9.9 for user", "/\nSign-in refused from 9.9.9.9 for user"):
        lines.append(as_line(Record(1e9, "", "GET", path, 404, 0, -1, 0, "192.0.2.1", "a1"), shape))
    log = tmp_path / "log"
    log.write_text("\n".join(lines) + "\n")
    filters = DEPLOYMENT / "fail2ban" / "filter.d" / "filehost-dav.conf"
    said = output(need("fail2ban-regex"), "--print-all-matched", "-o", "ip", log, filters)
    assert said.split() == [address] * len(names)


def test_the_container_starts_what_the_package_installs() -> None:
    steps = (ROOT / "Containerfile").read_text()
    assert 'ENTRYPOINT ["filehost-dav"]' in steps
    assert "USER 10001" in steps
    for extra in re.findall(r"\.\[([\w,]+)\]", steps)[0].split(","):
        assert re.search(rf"^{extra} = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE), extra
    settings = {
        found[1]: found[2] for found in re.finditer(r"\b(FILEHOST_\w+)=(\S+)", steps.partition("ENV PATH")[2])
    }
    assert load(None, settings).storage.data == Path("/data")
