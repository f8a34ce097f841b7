"""Replays: what a client was seen to send, step by step, over one connection.

In paths, headers and bodies `{token:/a.txt}` stands for the token of the lock last got for that path,
`{etag:/a.txt}` for the ETag last seen for it, and `{url}` for the address of the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.dav import Answer, Client
from harness.server import Account, Server

_SLOT = re.compile(r"\{(token|etag):([^}]+)\}|\{url\}")


@dataclass(frozen=True)
class Step:
    """One request and what must come back. `strict` is the status where the policy refuses, if it differs."""

    method: str
    path: str
    status: int | tuple[int, ...]
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    strict: int | None = None
    chunked: bool = False
    anonymous: bool = False
    has: Mapping[str, str] = field(default_factory=dict)

    def expected(self, *, refusing: bool) -> tuple[int, ...]:
        if refusing and self.strict is not None:
            return (self.strict,)
        return self.status if isinstance(self.status, tuple) else (self.status,)


class Replay:
    """A client at work: its connection, its user agent, the tokens it holds."""

    def __init__(self, client: Client, anonymous: Client, url: str, *, refusing: bool) -> None:
        self._client = client
        self._anonymous = anonymous
        self._url = url
        self._refusing = refusing
        self._known: dict[tuple[str, str], str] = {}

    def play(self, agent: str, steps: Sequence[Step]) -> None:
        """Every step in turn. Raises AssertionError that names the step."""
        for number, step in enumerate(steps, 1):
            answer = self._send(agent, step)
            where = f"step {number}: {step.method} {step.path} → {answer.status} {answer.body[:300]!r}"
            assert answer.status in step.expected(refusing=self._refusing), where
            for name, part in step.has.items():
                value = answer.headers[name] or "" if name != "body" else answer.body.decode()
                assert self._filled(part) in value, f"{where}: {name} is {value!r}"
            self._remember(step, answer)

    def _send(self, agent: str, step: Step) -> Answer:
        client = self._anonymous if step.anonymous else self._client
        headers = {"User-Agent": agent}
        headers |= {name: self._filled(value) for name, value in step.headers.items()}
        body = step.body.encode() if isinstance(step.body, str) else step.body
        return client(step.method, step.path, _pieces(body) if step.chunked else body or None, headers)

    def _remember(self, step: Step, answer: Answer) -> None:
        if step.method == "LOCK" and answer.headers["Lock-Token"]:
            self._known["token", step.path] = answer.lock_token
        if answer.headers["ETag"]:
            self._known["etag", step.path] = answer.etag

    def _filled(self, text: str) -> str:
        return _SLOT.sub(lambda slot: self._known[slot[1], slot[2]] if slot[1] else self._url, text)


class Stage:
    """A fresh user of one server. `refusing`: whether the policy is on there."""

    def __init__(self, server: Server, account: Account, *, refusing: bool) -> None:
        self.server = server
        self.account = account
        self.refusing = refusing
        self.client = Client(server, account)
        self._anonymous = Client(server)
        self.play = Replay(self.client, self._anonymous, server.url, refusing=refusing).play

    def close(self) -> None:
        self.client.close()
        self._anonymous.close()

    def holds(self, files: Mapping[str, bytes], *, listed: set[str] | None = None, folder: str = "/") -> None:
        """Every file has these bytes, and a listing of `folder` shows `listed` (or else these names)."""
        for path, octets in files.items():
            answer = self.client.get(path)
            assert (answer.status, answer.body) == (200, octets), path
        names = {path.rpartition("/")[2] for path in files} if listed is None else listed
        assert self.client.names(folder) == names

    def put(self, path: str, octets: bytes) -> None:
        assert self.client.put(path, octets).status == 201

    def trash(self) -> set[bytes]:
        """The contents of the files in the trash."""
        paths = self.client.propfind("/.filehost/trash/").paths - {"/.filehost/trash/"}
        return {self.client.get(path.replace(" ", "%20")).body for path in paths if not path.endswith("/")}

    def versions(self, path: str) -> set[bytes]:
        """The earlier contents of a file."""
        folder = f"/.filehost/versions{path}/"
        paths = self.client.propfind(folder).paths - {folder}
        return {self.client.get(path.replace(" ", "%20")).body for path in paths}


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]
