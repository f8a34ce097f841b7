"""Fetching: one JSON answer of the provider, within a time and a size, and from nowhere else.

Redirects are not followed: whatever leads elsewhere is no answer.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from filehost_dav.errors import Unavailable

_LARGEST: Final = 1 << 20  # bytes of an answer
_AT_ONCE: Final = 8  # conversations of this process with the provider


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a JSON object; empty where the body is none."""

    status: int
    content: dict[str, Any]


class Fetcher:
    """Conversations with the provider, so many at once, each of `seconds` at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """Raises Unavailable when there is no whole answer in time."""
        return self._ask("GET", url, None, headers)

    def post(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """A form. Raises as `get`."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", url, urlencode(fields).encode(), {**headers, **kind})

    def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        if not self._turns.acquire(timeout=self._seconds):
            raise _no_answer()
        try:
            return self._conversation(method, url, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer() from error
        finally:
            self._turns.release()

    def _conversation(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        parts = urlsplit(url)
        connection = _connection(parts.scheme, parts.netloc, self._seconds)
        connection.connect()
        # A time-out is for each piece; who sends a byte now and then is cut off at the end all the same.
        end = threading.Timer(self._seconds, _cut, [connection.sock])
        end.daemon = True
        end.start()
        try:
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            wanted = {"Accept": "application/json", "Connection": "close"}
            connection.request(method, target, body, {**wanted, **headers})
            response = connection.getresponse()
            content = response.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise http.client.HTTPException("too large")
            return Reply(response.status, _object(content))
        finally:
            end.cancel()
            connection.close()


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended at the same moment
        sock.shutdown(socket.SHUT_RDWR)


def _connection(scheme: str, netloc: str, seconds: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(netloc, timeout=seconds, context=ssl.create_default_context())
    return http.client.HTTPConnection(netloc, timeout=seconds)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _no_answer() -> Unavailable:
    return Unavailable("The sign-in provider does not answer, try again in a moment", retry_after=30)
