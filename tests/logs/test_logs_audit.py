"""The audit log, over HTTP and by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.dav import Client
from harness.server import Account, Server, run

from filehost_dav.logs.audit import Audit
from filehost_dav.logs.requests import Record

PUT = Record(1e9, "anna", "PUT", "/a.txt", 201, 10, 1, 1.0, "192.0.2.1", "a1", "phone")


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_who_did_what_from_where_and_by_which_password(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    file = tmp_path / "audit.jsonl"
    server = start_server(FILEHOST_LOG_AUDIT=str(file))
    anna = server.add_user("anna", password="hunter2-secret")
    phone = run("app-password", "add", "anna", "phone", "--data", str(server.data)).stdout.strip()
    with Client(server, anna) as client:
        client.put("/%C3%A4.txt", b"content-secret")
        client("GET", "/%C3%A4.txt")
    with Client(server, Account("anna", phone)) as client:
        client("MOVE", "/%C3%A4.txt", headers={"Destination": "http://u:url-secret@127.0.0.1/b%20c.txt"})
        client("DELETE", "/none.txt")
    server.stop()
    told = [
        (
            line["user"],
            line["by"],
            line["client"],
            line["action"],
            line["path"],
            line.get("target"),
            line["status"],
        )
        for line in lines(file)
    ]
    assert told[0] == ("anna", "password", "127.0.0.1", "PUT", "/ä.txt", None, 201)
    assert told[1][:6] == ("anna", "phone", "127.0.0.1", "MOVE", "/ä.txt", "/b c.txt")
    assert told[2] == ("anna", "phone", "127.0.0.1", "DELETE", "/none.txt", None, 404)
    assert "secret" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("reads", "count"), [(False, 1), (True, 2)])
def test_reading_is_told_where_wanted(tmp_path: Path, reads: bool, count: int) -> None:
    audit = Audit(tmp_path / "a", reads=reads)
    audit.report(PUT)
    audit.report(Record(1e9, "anna", "GET", "/a.txt", 200, 1, -1, 1.0, "192.0.2.1", "a1"))
    audit.report(Record(1e9, "", "OPTIONS", "/", 200, 1, -1, 1.0, "192.0.2.1", "a1"))
    audit.close()
    assert len(lines(tmp_path / "a")) == count


def test_a_file_moved_away_is_begun_anew(tmp_path: Path) -> None:
    audit = Audit(tmp_path / "a", reads=False)
    audit.report(PUT)
    (tmp_path / "a").rename(tmp_path / "a.1")
    audit.report(PUT)
    audit.close()
    assert len(lines(tmp_path / "a")) == len(lines(tmp_path / "a.1")) == 1


def test_a_log_that_cannot_be_written_is_said_and_fails_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Audit(tmp_path / "no" / "a", reads=False).report(PUT)
    assert caplog.messages == ["The audit log cannot be written: No such file or directory"]
