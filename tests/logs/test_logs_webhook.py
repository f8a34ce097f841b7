"""The webhook: what is told, how it is signed, and what becomes of it when nobody listens."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from harness.dav import Client
from harness.server import Server

from filehost_dav.logs.requests import Record
from filehost_dav.logs.webhook import Receiver, Webhook, signature

PUT = Record(1e9, "anna", "PUT", "/a.txt", 201, 10, 1, 1.0, "192.0.2.1", "a1")


class Listening:
    """A receiver that answers the statuses it is given, the last one for ever."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.statuses = [200]
        listening = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                statuses = listening.statuses
                self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                self.end_headers()
                listening.heard.put((self.headers["X-Filehost-Signature"], body))

            def log_message(self, *_: Any) -> None:
                """Nothing to say in a test."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/changes?x=1"

    def next(self) -> tuple[str, bytes]:
        return self.heard.get(timeout=20)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    made = Listening()
    yield made
    made.close()


def test_a_change_is_told_and_signed(start_server: Callable[..., Server], listening: Listening) -> None:
    server = start_server(FILEHOST_WEBHOOK_URL=listening.url, FILEHOST_WEBHOOK_SECRET="shared")
    with Client(server, server.add_user("anna")) as client:
        client.put("/%C3%A4.txt", b"x")
        client("GET", "/%C3%A4.txt")
        client.put("/refused.exe", b"x")
        client.move("/%C3%A4.txt", "/b.txt")
    told = [listening.next() for _ in range(2)]
    for signed, body in told:
        assert signed == signature("shared", body)
    first, second = (json.loads(body) for _, body in told)
    assert (first["user"], first["action"], first["path"]) == ("anna", "PUT", "/ä.txt")
    assert (second["action"], second["path"], second["target"]) == ("MOVE", "/ä.txt", "/b.txt")
    assert listening.heard.empty()


def test_who_does_not_answer_well_is_asked_again(listening: Listening) -> None:
    listening.statuses = [500, 302, 200]
    webhook = Webhook(Receiver(listening.url, "s", pauses=(0.0, 0.0, 0.0)))
    webhook.report(PUT)
    assert len({listening.next() for _ in range(3)}) == 1
    webhook.stop()
    assert listening.heard.empty()


def test_nobody_listening_is_said_and_the_next_is_tried(
    listening: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    listening.statuses = [500, 500, 200]
    webhook = Webhook(Receiver(listening.url, "s", pauses=(0.0,)))
    webhook.report(PUT)
    webhook.report(PUT)
    for _ in range(3):
        listening.next()
    webhook.stop()
    assert caplog.messages == ["A webhook message was given up: the receiver answered 500"]


def test_no_request_waits_for_a_receiver_and_what_waits_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Webhook(Receiver("http://127.0.0.1:1/", "s", pauses=(600.0,)))
    for _ in range(1100):
        webhook.report(PUT)
    assert len(webhook._waiting) <= 1000
    assert "A webhook message was dropped: the receiver does not keep up" in caplog.messages
    webhook._waiting.clear()
    webhook.stop()


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("PUT", 403), ("DELETE", 404), ("PROPFIND", 207), ("LOCK", 200)]
)
def test_what_changed_no_file_is_not_told(method: str, status: int) -> None:
    webhook = Webhook(Receiver("http://127.0.0.1:1/", "s"))
    webhook.report(Record(1e9, "anna", method, "/a.txt", status, 0, -1, 1.0, "", ""))
    assert webhook._thread is None
