"""The webhook: every change of a file is told to an address, signed, so that others can build on it.

A message is JSON, `{"time", "user", "action", "path", "target", "id"}`; the header `X-Filehost-Signature`
is `sha256=` and the HMAC of the body under the shared secret. Who does not answer is asked again with
growing pauses, a few times. What waits is bounded: when too much does, the oldest is dropped and that
is logged; no request ever waits for the receiver. Redirects are not followed.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import logging
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from filehost_dav.logs.lines import as_json, instant
from filehost_dav.logs.requests import Record

_log = logging.getLogger(__name__)
_CHANGES: Final = frozenset({"PUT", "DELETE", "MKCOL", "COPY", "MOVE"})
_WAITING: Final = 1000  # messages
_TIMEOUT: Final = 10.0  # seconds for one attempt


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where messages go. `pauses` are the seconds before each further attempt."""

    url: str
    secret: str
    pauses: tuple[float, ...] = (1.0, 5.0, 30.0, 120.0)


class Webhook:
    """A thread that tells; begun with the first change, so that it belongs to the worker that needs it."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def report(self, record: Record) -> None:
        """Tell it, if it changed something."""
        if record.method not in _CHANGES or not 200 <= record.status < 300:
            return
        with self._changed:
            if len(self._waiting) >= _WAITING:
                self._waiting.popleft()
                _log.error("A webhook message was dropped: the receiver does not keep up")
            self._waiting.append(as_message(record))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """What waits is told once more, within two seconds."""
        self._stopped.set()
        with self._changed:
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._stopped.is_set():
                        return
                    self._changed.wait()
                message = self._waiting.popleft()
            self._tell(message)

    def _tell(self, message: bytes) -> None:
        for pause in (*self._receiver.pauses, None):
            problem = self._attempt(message)
            if problem is None:
                return
            if pause is None or self._stopped.wait(pause):
                break
        _log.error("A webhook message was given up: %s", problem)

    def _attempt(self, message: bytes) -> str | None:
        """Why it did not arrive."""
        try:
            status = send(self._receiver, message)
        except (OSError, http.client.HTTPException) as error:
            return str(error)
        return None if 200 <= status < 300 else f"the receiver answered {status}"


def as_message(record: Record) -> bytes:
    told = {
        "time": instant(record.time),
        "user": record.user,
        "action": record.method,
        "path": record.path,
        **({"target": record.target} if record.target else {}),
        "id": record.id,
    }
    return as_json(told).encode("utf-8", "replace")


def signature(secret: str, message: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def send(receiver: Receiver, message: bytes) -> int:
    """The status that the receiver answers. Raises OSError, HTTPException."""
    address = urlsplit(receiver.url)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    headers = {
        "Content-Type": "application/json",
        "X-Filehost-Signature": signature(receiver.secret, message),
    }
    connection = _connection(address.scheme, address.hostname or "", address.port)
    try:
        connection.request("POST", path, message, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        trusting = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=trusting)
    return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
