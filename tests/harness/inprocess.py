"""The DAV application in this process, over a real disk and a real database: for tests that need no sockets."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import quoteattr

from filehost_dav.dav.application import build
from filehost_dav.policy.roles import Policy
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.home import Home
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.tree import Tree
from harness.dav import Answer


class InProcess:
    """Everything below `root`; two of them on one root are like two worker processes."""

    def __init__(self, root: Path, policy: Policy | None = None) -> None:
        self.root = root
        self.database = SqliteDatabase(root / "state.sqlite3")
        migrate(self.database)
        self.storage = LocalStorage(root, durability="none")
        self.policy = policy or Policy(extensions=None)
        self.application = build(self.database)

    def home(self, user: str) -> Tree:
        return Home(self.storage.tree(user), self.policy)

    def files(self, user: str) -> Path:
        """Where that user's files lie on disk."""
        self.storage.tree(user)
        return self.root / "files" / user

    def __call__(
        self,
        user: str,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        *,
        prefix: str = "",
        home: Tree | None = None,
    ) -> Answer:
        """One request; `path` is percent-encoded."""
        body = body.encode() if isinstance(body, str) else body
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": prefix,
            "PATH_INFO": unquote(path, "latin-1"),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "filehost.user": SimpleNamespace(name=user),
            "filehost.home": home or self.home(user),
            **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in (headers or {}).items()},
        }
        started: list[Any] = []
        parts = self.application(environ, lambda *start: started.append(start))
        answer = _answer(started, parts)
        if method != "HEAD" and answer.headers["Content-Length"] is not None:
            assert int(answer["Content-Length"]) == len(answer.body)
        return answer

    def propfind(
        self, user: str, path: str, body: bytes | str = b"", depth: str | None = "1", **more: Any
    ) -> Answer:
        headers = {} if depth is None else {"Depth": depth}
        return self(user, "PROPFIND", path, body, {**headers, **more.pop("headers", {})}, **more)

    def proppatch(self, user: str, path: str, inner: str, **headers: str) -> Answer:
        body = f'<D:propertyupdate xmlns:D="DAV:">{inner}</D:propertyupdate>'
        return self(user, "PROPPATCH", path, body, headers)

    def close(self) -> None:
        self.database.close()
        self.storage.close()


def prop(*names: str) -> str:
    """A PROPFIND body for these properties, in Clark notation."""
    inner = "".join(
        f"<x:{local} xmlns:x={quoteattr(namespace[1:])}/>"
        for namespace, _, local in (name.rpartition("}") for name in names)
    )
    return f'<D:propfind xmlns:D="DAV:"><D:prop>{inner}</D:prop></D:propfind>'


def at_once(count: int, work: Callable[[int], object]) -> None:
    """Run `work(number)` in so many threads, and raise what one of them raised."""
    with ThreadPoolExecutor(count) as threads:
        for done in [threads.submit(work, number) for number in range(count)]:
            done.result()


def _answer(started: list[Any], parts: Iterable[bytes]) -> Answer:
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    ((status, fields, *_),) = started
    headers = http.client.HTTPMessage()
    for name, value in fields:
        headers[name] = value
    code, _, reason = status.partition(" ")
    return Answer(int(code), reason, headers, body)
