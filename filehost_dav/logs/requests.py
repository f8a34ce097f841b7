"""The request log: one line per request, when its last byte is sent or its connection broke.

A line holds who, what, how it ended, how much and how long; never a header, a query, a body or a
path of the disk. What a client chose (names, paths) is quoted, so that no line can be forged.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from filehost_dav.logs.lines import as_json, clock_time, instant, quoted

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Record(NamedTuple):
    """One finished request. `time` in seconds since the epoch, `sent` and `received` in bytes.

    `received` is what was read of the body, -1 when none came. `status` is 0 when the connection broke
    before an answer. `by` (what signed in) and `target` (of COPY and MOVE) are for the audit log.
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
    by: str = ""
    target: str = ""


_NAMES = tuple(name for name in Record._fields if name not in ("by", "target"))
_VALUES = attrgetter(*_NAMES)


# Scheme, credentials and host of an address.
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/]*")


class RequestLog:
    """WSGI middleware, the outermost: names the request in `filehost.request_id` and reports its end."""

    def __init__(
        self,
        application: WSGIApplication,
        report: Callable[[Record], None],
        begun: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`begun` is called at the beginning of each request with its method, `report` at its end."""
        self._application = application
        self._report = report
        self._begun = begun

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _Request(environ, self._report)
        self._begun(environ["REQUEST_METHOD"])
        environ["filehost.request_id"] = request.id
        environ["filehost.done"] = request.done

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            request.status = int(status[:3])
            return start_response(status, headers, *error)

        if "filehost.gateway" in environ:
            return self._application(environ, start)
        try:
            return _Counted(self._application(environ, start), request.done)
        except BaseException:
            request.done(0)
            raise


def as_line(record: Record, shape: str) -> str:
    """One line: the fields in their order, or for people watching a short one with the path last."""
    if shape == "terminal":
        return _for_people(record)
    if shape == "plain":
        return _as_pairs(record)
    told = dict(zip(_NAMES, _VALUES(record), strict=True))
    told["time"] = instant(record.time)
    return as_json(told)


def _as_pairs(record: Record) -> str:
    """`key=value`, the fields in the order of Record; what a client chose is quoted."""
    when, user, method, path, status, sent, received, ms, client, unique, *_ = record
    return (
        f"time={instant(when)} user={_often_quoted(user)} method={quoted(method)} path={quoted(path)} "
        f"status={status} sent={sent} received={received} ms={ms} client={_often_quoted(client)} id={unique}"
    )


_often_quoted = lru_cache(maxsize=512)(quoted)


def _for_people(record: Record) -> str:
    when, who = clock_time(record.time), record.user or record.client
    path = json.dumps(record.path, ensure_ascii=False)[1:-1]
    return f"{when}  {record.status or 'broken':>3}  {record.method:<9} {who:<12} {record.ms:>7.0f} ms  {path}"


def choice_of(wanted: str, shape: str) -> Callable[[Record], bool]:
    """Which requests get a line: `all`, `failures`, `none`, or `auto`: on a terminal failures, else all."""
    if wanted == "auto":
        wanted = "failures" if shape == "terminal" else "all"
    return is_trouble if wanted == "failures" else lambda _: wanted == "all"


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
        for ended in environ.get("filehost.ended", ()):
            ended()
        user = environ.get("filehost.user")
        self._report(
            Record(
                time=time.time(),
                user=user.name if user else "",
                method=environ.get("REQUEST_METHOD", ""),
                path=_as_text(environ.get("PATH_INFO", "")),
                status=self.status,
                sent=sent,
                received=_received(environ),
                ms=round((time.perf_counter() - self._started) * 1000, 1),
                client=environ.get("REMOTE_ADDR", ""),
                id=self.id,
                by=_by(environ),
                target=_target(environ.get("HTTP_DESTINATION")),
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


def _as_text(path: str) -> str:
    """A WSGI path as the text it is (PEP 3333 carries bytes as Latin-1)."""
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def _received(environ: WSGIEnvironment) -> int:
    """What our HTTP layer has counted; elsewhere what was announced."""
    announced = environ.get("CONTENT_LENGTH") or ""
    read = getattr(environ["wsgi.input"], "received", None) if "filehost.gateway" in environ else None
    if read is None:
        return int(announced) if announced.isdigit() else -1
    return int(read) if read or announced else -1


def _by(environ: WSGIEnvironment) -> str:
    login = environ.get("filehost.login")
    if login is not None:
        return str(login.by.name) if login.by else "password"
    if "filehost.header" in environ:
        return "proxy"
    return "browser" if "filehost.session" in environ else ""


def _target(destination: str | None) -> str:
    """The path of a Destination: a full address may hold a password."""
    return unquote(_ORIGIN.sub("", destination), errors="replace") if destination else ""
