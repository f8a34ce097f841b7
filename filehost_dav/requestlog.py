"""The request log: one line per request, when its last byte is sent or its connection broke.

A line holds who, what, how it ended, how much and how long; never a header, a query, a body or a
path of the disk. What a client chose (names, paths) is quoted, so that no line can be forged.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Record:
    """One finished request. `time` in seconds since the epoch, `sent` and `received` in bytes.

    `received` is what was announced; -1 when nothing was. `status` is 0 when the connection broke
    before an answer.
    """

    time: float
    user: str
    method: str
    path: str
    status: int
    sent: int
    received: int
    ms: float
    client: str
    id: str


class RequestLog:
    """WSGI middleware, the outermost: names the request in `filehost.request_id` and reports its end."""

    def __init__(self, application: WSGIApplication, report: Callable[[Record], None]) -> None:
        self._application = application
        self._report = report

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _Request(environ, self._report)
        environ["filehost.request_id"] = request.id
        environ["filehost.done"] = request.done

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            request.status = int(status[:3])
            return start_response(status, headers, *error)

        answer = self._application(environ, start)
        return answer if "filehost.gateway" in environ else _Counted(answer, request.done)


def as_json(record: Record) -> str:
    """One JSON object; the time is ISO 8601 in UTC."""
    return json.dumps({**asdict(record), "time": _instant(record.time)}, ensure_ascii=False)


def as_plain(record: Record) -> str:
    """`key=value` pairs, in the order of Record; values are quoted as JSON where they need it."""
    pairs = {**asdict(record), "time": _instant(record.time)}
    return " ".join(f"{key}={_quoted(value)}" for key, value in pairs.items())


def as_terminal(record: Record) -> str:
    """For people watching: short, the path last."""
    when = time.strftime("%H:%M:%S", time.localtime(record.time))
    who = record.user or record.client
    path = json.dumps(record.path, ensure_ascii=False)[1:-1]
    return f"{when}  {record.status or 'broken':>3}  {record.method:<9} {who:<12} {record.ms:>7.0f} ms  {path}"


def is_trouble(record: Record) -> bool:
    """Whether somebody watching a terminal should see it: not the answers that belong to normal work.

    Clients provoke 401 to learn the realm, look for files that are not there, and ask whether
    something changed.
    """
    return record.status >= 400 and record.status not in (401, 404, 412)


class _Request:
    __slots__ = ("_environ", "_report", "_started", "id", "status")

    def __init__(self, environ: WSGIEnvironment, report: Callable[[Record], None]) -> None:
        self._environ = environ
        self._report = report
        self._started = time.perf_counter()
        self.id = secrets.token_hex(4)
        self.status = 0

    def done(self, sent: int) -> None:
        environ = self._environ
        user = environ.get("filehost.user")
        self._report(
            Record(
                time=time.time(),
                user=user.name if user else "",
                method=environ.get("REQUEST_METHOD", ""),
                path=_as_text(environ.get("PATH_INFO", "")),
                status=self.status,
                sent=sent,
                received=_announced(environ.get("CONTENT_LENGTH")),
                ms=round((time.perf_counter() - self._started) * 1000, 1),
                client=environ.get("REMOTE_ADDR", ""),
                id=self.id,
            )
        )


class _Counted:
    """The body of an answer on a server that does not report its end."""

    def __init__(self, answer: Iterable[bytes], done: Callable[[int], None]) -> None:
        self._answer = answer
        self._done = done
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._answer:
            self._sent += len(piece)
            yield piece

    def close(self) -> None:
        close = getattr(self._answer, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._done(self._sent)


# Printable ASCII that needs no quotes in `key=value`.
_BARE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~/-+@:")


def _quoted(value: object) -> str:
    text = str(value)
    return text if text and _BARE.issuperset(text) else json.dumps(text, ensure_ascii=False)


def _instant(seconds: float) -> str:
    milliseconds = int(seconds * 1000) % 1000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03d}Z"


def _as_text(path: str) -> str:
    """A WSGI path as the text it is (PEP 3333 carries bytes as Latin-1)."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")


def _announced(length: str | None) -> int:
    return int(length) if length and length.isdigit() else -1
