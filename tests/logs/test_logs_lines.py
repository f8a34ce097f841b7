"""Log lines: what they hold, and that nobody can forge one."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from filehost_dav.logs import events
from filehost_dav.logs.requests import Record, RequestLog, as_line, is_trouble

RECORD = Record(
    time=1_700_000_000.25,
    user="anna",
    method="PUT",
    path="/Übung 1.txt",
    status=201,
    sent=0,
    received=1500,
    ms=12.5,
    client="2001:db8::1",
    id="a1b2c3d4",
)


def test_a_plain_line_is_key_and_value() -> None:
    assert as_line(RECORD, "plain") == (
        'time=2023-11-14T22:13:20.250Z user=anna method=PUT path="/Übung 1.txt" status=201 sent=0'
        " received=1500 ms=12.5 client=2001:db8::1 id=a1b2c3d4"
    )


def test_a_json_line_holds_the_same() -> None:
    assert json.loads(as_line(RECORD, "json")) == {
        "time": "2023-11-14T22:13:20.250Z",
        "user": "anna",
        "method": "PUT",
        "path": "/Übung 1.txt",
        "status": 201,
        "sent": 0,
        "received": 1500,
        "ms": 12.5,
        "client": "2001:db8::1",
        "id": "a1b2c3d4",
    }


@pytest.mark.parametrize("shape", ["terminal", "plain", "json"])
@pytest.mark.parametrize("path", ["/a\nb", "/a\r\nx", '/a" status=200 x="', "/\x1b[31mred", "/a\u2028b"])
def test_a_path_cannot_end_its_line_or_its_quotes(shape: str, path: str) -> None:
    record = Record(0, "", "GET", path, 404, 0, -1, 0, "", "")
    line = as_line(record, shape)
    assert not set("\n\r\x1b") & set(line)
    assert json.dumps(path, ensure_ascii=False)[1:-1] in line


@pytest.mark.parametrize(("status", "trouble"), [(200, False), (207, False), (304, False), (401, False),
    (404, False), (412, False), (403, True), (423, True), (500, True), (507, True)])  # fmt: skip
def test_people_at_a_terminal_see_what_went_wrong(status: int, trouble: bool) -> None:
    assert is_trouble(Record(0, "", "GET", "/", status, 0, -1, 0, "", "")) is trouble


def test_a_request_is_reported_when_its_answer_is_closed() -> None:
    reported: list[Record] = []

    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        environ["filehost.user"] = type("User", (), {"name": "anna"})
        start_response("207 Multi-Status", [])  # type: ignore[operator]
        return [b"abc", b"de"]

    environ = {
        "REQUEST_METHOD": "PROPFIND",
        "PATH_INFO": "/\u00c3\u009c",
        "REMOTE_ADDR": "192.0.2.1",
        "CONTENT_LENGTH": "7",
        "HTTP_AUTHORIZATION": "Basic c2VjcmV0",
        "QUERY_STRING": "token=secret",
    }
    answer = RequestLog(application, reported.append)(environ, lambda *_: None)  # type: ignore[arg-type]
    assert b"".join(answer) == b"abcde"
    assert reported == []
    answer.close()  # type: ignore[attr-defined]
    (record,) = reported
    assert (record.user, record.path, record.status, record.sent, record.received) == ("anna", "/Ü", 207, 5, 7)
    assert record.id == environ["filehost.request_id"]
    assert "secret" not in as_line(record, "json")


def test_a_request_that_fails_altogether_is_reported_too() -> None:
    reported: list[Record] = []

    def application(environ: dict[str, object], start_response: object) -> list[bytes]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        RequestLog(application, reported.append)({"REQUEST_METHOD": "GET"}, lambda *_: None)  # type: ignore[arg-type]
    assert [record.status for record in reported] == [0]


def test_an_event_with_a_traceback_is_one_line_for_machines() -> None:
    try:
        raise ValueError("broken\nin two")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "It %s", ("failed",), sys.exc_info())
    for shape in ("plain", "json"):
        assert "\n" not in events.as_line(record, shape)
        assert "ValueError" in events.as_line(record, shape)
    assert json.loads(events.as_line(record, "json"))["message"] == "It failed"
