"""Probe: a running deployment seen from outside, as a client sees it, through whatever stands in front.

Proxies block methods, cap bodies, rewrite names and hold back what should flow. Each finding says what to
change. Everything happens in a folder of its own, which is removed at the end.
"""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from filehost_dav.checkup import GOOD, NOTE, PROBLEM, Remark
from filehost_dav.errors import FilehostError, Unavailable

_PIECES: Final = 100  # of an upload, sent in five seconds at most; a fifth of it
_PIECE: Final = bytes(32_768)
_PAUSE: Final = 0.05  # seconds
LARGE: Final = 20 * 1024 * 1024  # bytes: above what any proxy takes by default
_ODD: Final = "Größe 100% #1 a+b;c.txt"
_LOCK: Final = (
    b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Visitor:
    """Requests to one deployment, each on a connection of its own. Raises Unavailable."""

    url: str
    user: str = ""
    password: str = ""
    timeout: float = 60.0
    trusting: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        fields = {**(headers or {}), **self._credentials()}
        connection = self._connection()
        try:
            connection.request(
                method, self.base + path, body, fields, encode_chunked="Transfer-Encoding" in fields
            )
            found = connection.getresponse()
            named = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, named, found.read())
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{method} {path}: {error}") from error
        finally:
            connection.close()

    def hears_early(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request is answered although most of its body has not been sent yet."""
        connection = self._connection()
        try:
            connection.putrequest(method, self.base + path)
            for name, value in {**self._credentials(), **headers, "Content-Length": str(LARGE)}.items():
                connection.putheader(name, value)
            connection.endheaders()
            return any(_is_heard(connection.sock) for _ in range(_PIECES))
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{method} {path}: {error}") from error
        finally:
            connection.close()

    @property
    def base(self) -> str:
        return urlsplit(self.url).path.rstrip("/")

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def _credentials(self) -> dict[str, str]:
        if not self.user:
            return {}
        credentials = f"{self.user}:{self.password}".encode()
        return {"Authorization": "Basic " + b64encode(credentials).decode()}

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FilehostError(f"{self.url} is no address such as https://files.example.org/")
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=self.timeout, context=self.trusting
            )
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self.timeout)


def probe(visitor: Visitor) -> Iterator[Remark]:
    """What works and what does not. Without a user, only what anybody may ask."""
    anybody = Visitor(visitor.url, timeout=visitor.timeout, trusting=visitor.trusting)
    yield from _attempt("options", lambda: _options(anybody))
    yield from _attempt("sign-in", lambda: _challenge(anybody))
    if not visitor.user:
        yield Remark(NOTE, "files", "Give --user to try uploads, names, locks and the rest")
        return
    folder = f"/filehost-check-{secrets.token_hex(4)}"
    made = visitor("MKCOL", folder)
    if made.status != 201:
        yield Remark(PROBLEM, "sign-in", f"MKCOL of a folder to try in: {_said(made)}")
        return
    try:
        for about, trial in _TRIALS.items():
            yield from _attempt(about, lambda trial=trial: trial(visitor, folder))  # type: ignore[misc]
        yield from _buffering(visitor, folder)
    finally:
        visitor("DELETE", folder)


def _attempt(about: str, trial: Callable[[], str | None]) -> Iterator[Remark]:
    try:
        problem = trial()
    except Unavailable as error:
        problem = error.message
    yield Remark(PROBLEM, about, problem) if problem else Remark(GOOD, about, "works")


def _options(anybody: Visitor) -> str | None:
    answer = anybody("OPTIONS", "/")
    if answer.status != 200 or not answer.headers.get("dav", "").startswith("1, 2"):
        return (
            f"OPTIONS must be answered without a password, with a DAV header: {_said(answer)}. Let it through"
        )
    return None


def _challenge(anybody: Visitor) -> str | None:
    answer = anybody("PROPFIND", "/", headers={"Depth": "0"})
    if answer.status in (405, 501):
        return f"PROPFIND is not let through: {_said(answer)}"
    if answer.status != 401 or "basic" not in answer.headers.get("www-authenticate", "").lower():
        return f"A password must be asked for (401 and WWW-Authenticate: Basic): {_said(answer)}"
    return None


def _small(visitor: Visitor, folder: str) -> str | None:
    put = visitor("PUT", f"{folder}/small.txt", b"content")
    if put.status != 201:
        return f"PUT: {_said(put)}"
    got = visitor("GET", f"{folder}/small.txt")
    if got.body != b"content":
        return f"GET does not give what was stored: {_said(got)}"
    part = visitor("GET", f"{folder}/small.txt", headers={"Range": "bytes=3-4"})
    return None if (part.status, part.body) == (206, b"te") else f"Ranges do not come through: {_said(part)}"


def _large(visitor: Visitor, folder: str) -> str | None:
    answer = visitor("PUT", f"{folder}/large.txt", bytes(LARGE))
    if answer.status == 413:
        return (
            "Uploads of 20 MiB are refused: raise the limit (client_max_body_size, LimitRequestBody, file_size)"
        )
    return None if answer.status == 201 else f"PUT of 20 MiB: {_said(answer)}"


def _chunked(visitor: Visitor, folder: str) -> str | None:
    answer = visitor("PUT", f"{folder}/chunked.txt", iter([b"one", b"two"]), {"Transfer-Encoding": "chunked"})
    if answer.status != 201 or visitor("GET", f"{folder}/chunked.txt").body != b"onetwo":
        return f"Uploads without a length (macOS Finder) do not come through: {_said(answer)}"
    return None


def _names(visitor: Visitor, folder: str) -> str | None:
    path = f"{folder}/{quote(_ODD, safe='')}"
    answer = visitor("PUT", path, b"x")
    listed = visitor("PROPFIND", f"{folder}/", headers={"Depth": "1"})
    arrived = visitor("GET", path).status == 200 and b"Gr%C3%B6%C3%9Fe%20100%25" in listed.body
    if answer.status != 201 or not arrived:
        return f"Names are changed on the way: {_said(answer)}. The proxy must pass the path on as it came"
    return None


def _move(visitor: Visitor, folder: str) -> str | None:
    visitor("PUT", f"{folder}/from.txt", b"x")
    for method, target in (("COPY", "copied"), ("MOVE", "moved")):
        where = f"{visitor.origin}{visitor.base}{folder}/{target}.txt"
        answer = visitor(method, f"{folder}/from.txt", headers={"Destination": where})
        if answer.status != 201:
            return f"{method} to {where}: {_said(answer)}. The method or Destination does not come through"
    return None


def _locks(visitor: Visitor, folder: str) -> str | None:
    visitor("PUT", f"{folder}/locked.txt", b"x")
    lock = visitor("LOCK", f"{folder}/locked.txt", _LOCK, {"Timeout": "Second-60"})
    token = lock.headers.get("lock-token", "")
    if lock.status != 200 or not token:
        return f"LOCK: {_said(lock)}. Without locks Finder and Explorer mount read-only"
    if visitor("PUT", f"{folder}/locked.txt", b"y").status != 423:
        return "A lock does not hold: requests reach servers that do not share their records"
    saved = visitor("PUT", f"{folder}/locked.txt", b"y", {"If": f"({token})"})
    if saved.status != 204:
        return f"PUT with the lock's token: {_said(saved)}. The If header does not come through"
    unlock = visitor("UNLOCK", f"{folder}/locked.txt", headers={"Lock-Token": token})
    return None if unlock.status == 204 else f"UNLOCK: {_said(unlock)}"


def _refusal(visitor: Visitor, folder: str) -> str | None:
    answer = visitor("PROPFIND", f"{folder}/none.txt", headers={"Depth": "0"})
    if answer.status != 404 or b"error" not in answer.body:
        return f"Error answers are replaced on the way: {_said(answer)}. Turn the proxy's own error pages off"
    return None


def _is_heard(sock: socket.socket) -> bool:
    """Send one more piece of a body; whether an answer (or the end) has come meanwhile."""
    try:
        sock.settimeout(10)
        sock.sendall(_PIECE)
        sock.settimeout(_PAUSE)
        sock.recv(1)
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def _buffering(visitor: Visitor, folder: str) -> Iterator[Remark]:
    """Nothing fails where a refusal comes late, but much is sent in vain. Apache has no setting for it."""
    try:
        early = visitor.hears_early("PUT", f"{folder}/small.txt", {"If-Match": '"not this one"'})
    except Unavailable as error:
        yield Remark(PROBLEM, "buffering", error.message)
        return
    if early:
        yield Remark(GOOD, "buffering", "works")
        return
    yield Remark(
        NOTE,
        "buffering",
        "An upload is refused only when all of it was sent: the proxy holds it back, or answers late. In "
        "nginx, proxy_request_buffering off changes that",
    )


_TRIALS: Final[Mapping[str, Callable[[Visitor, str], str | None]]] = {
    "small files": _small,
    "large files": _large,
    "uploads without length": _chunked,
    "names": _names,
    "copy and move": _move,
    "locks": _locks,
    "refusals": _refusal,
}


def _said(answer: Answer) -> str:
    server = answer.headers.get("server")
    return f"status {answer.status}" + (f" from {server}" if server else "")
