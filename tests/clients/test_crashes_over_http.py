"""The whole server killed at random moments while clients work: each keeps a journal, and all of it holds.

FILEHOST_CRASH_ROUNDS asks for more kills.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.crashes import content_of, token_of
from harness.dav import Client
from harness.server import Account, Server

ROUNDS = int(os.environ.get("FILEHOST_CRASH_ROUNDS", "16"))
CUT_OFF = (OSError, http.client.HTTPException)
NAMES = ("a", "b", "c")
ABSENT = None


class Worker(threading.Thread):
    """One client in a folder of its own. `files` is what must be there; `confirmed` what must not be lost."""

    def __init__(self, number: int, account: Account, server: Callable[[], Server]) -> None:
        super().__init__()
        self._account = account
        self._server = server
        self._dice = random.Random(number)
        self._folder = f"/client{number}"
        self._serial = 0
        self._client: Client | None = None
        self.files: dict[str, str | None] = dict.fromkeys(NAMES, ABSENT)
        self.confirmed: set[str] = set()
        self.done = 0
        self.cut_off = 0
        self.trouble = ""
        self.finish = threading.Event()

    def run(self) -> None:
        try:
            self._insist("MKCOL", self._folder, (201, 405))
            while not self.finish.is_set():
                self._change()
        except AssertionError as error:
            self.trouble = f"{self._folder}: {error}"

    def check(self) -> None:
        """Raises AssertionError when a file is not what it must be."""
        for name, token in self.files.items():
            found = self._read(name)
            assert found == token, f"{name} is {found} instead of {token}"
        self._disconnect()

    def _change(self) -> None:
        name, other = self._dice.sample(NAMES, 2)
        kind = self._dice.choices(("put", "delete", "move"), (6, 2, 2))[0]
        after = dict(self.files)
        if kind == "put":
            self._serial += 1
            after[name] = f"{self._folder[1:]}-{self._serial}"
            self._try("PUT", name, after, body=content_of(after[name], self._dice.choice((40, 2_000, 400_000))))
        elif kind == "delete":
            after[name] = ABSENT
            self._try("DELETE", name, after)
        else:
            after[name], after[other] = ABSENT, self.files[name]
            target = f"{self._server().url}{self._folder}/{other}.txt"
            self._try("MOVE", name, after, headers={"Destination": target})

    def _try(
        self,
        method: str,
        name: str,
        after: dict[str, str | None],
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """One change: confirmed, refused, or cut off; then it must be as before or as after."""
        before = self.files
        try:
            answer = self._ask(method, f"{self._folder}/{name}.txt", body, headers)
        except CUT_OFF:
            self.cut_off += 1
            found = {one: self._read(one) for one in NAMES}
            assert found in (before, after), f"{found} after {method} {name} on {before}"
            self.files = found
            return
        if before[name] is ABSENT and method != "PUT":
            assert answer == 404, f"{method} of nothing: {answer}"
            return
        assert answer in (201, 204), f"{method} {name}: {answer}"
        self.files = after
        self.done += 1
        token = after[name]
        if method == "PUT" and token is not None:
            self.confirmed.add(token)

    def _read(self, name: str) -> str | None:
        status, body = self._insist("GET", f"{self._folder}/{name}.txt", (200, 404))
        return token_of(body) if status == 200 else ABSENT

    def _insist(self, method: str, path: str, expected: tuple[int, ...]) -> tuple[int, bytes]:
        """Ask until there is an answer: the server may be down."""
        end = time.monotonic() + 60
        while True:
            try:
                client = self._connected()
                answer = client(method, path)
            except CUT_OFF:
                self._disconnect()
                assert time.monotonic() < end, "The server did not come back"
                time.sleep(0.05)
                continue
            assert answer.status in expected, f"{method} {path}: {answer.status}"
            return answer.status, answer.body

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str] | None) -> int:
        try:
            return self._connected()(method, path, body, headers).status
        except CUT_OFF:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> Client:
        if self._client is None:
            self._client = Client(self._server(), self._account)
        return self._client


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in found.split()]


def tokens_on_disk(data: Path) -> set[str]:
    """Of all contents in files, trash and versions, each of which must be whole."""
    found = set()
    for corner in ("files", "trash", "versions"):
        for file in (data / corner).rglob("*"):
            if file.is_file() and not file.name.startswith(".filehost-"):
                content = file.read_bytes()
                if content:
                    found.add(token_of(content))
    return found


@pytest.mark.slow
@pytest.mark.clients
@pytest.mark.timeout(900)
def test_workers_and_parent_can_be_killed_at_any_moment(start_server: Callable[..., Server]) -> None:
    settings = {"FILEHOST_SERVER_WORKERS": "2"}
    servers = [start_server(**settings)]
    account = servers[0].add_user("alice")
    workers = [Worker(number, account, lambda: servers[-1]) for number in range(3)]
    dice = random.Random(ROUNDS)
    for worker in workers:
        worker.start()
    for number in range(ROUNDS):
        time.sleep(dice.random() * 0.6)
        if number % 4 == 3:
            servers[-1].kill()
            servers.append(start_server(data=servers[0].data, **settings))
            continue
        with contextlib.suppress(ProcessLookupError, IndexError):
            os.kill(dice.choice(children_of(servers[-1].process.pid)), signal.SIGKILL)
    for worker in workers:
        worker.finish.set()
    for worker in workers:
        worker.join()
        assert not worker.trouble, worker.trouble
        worker.check()
    assert sum(worker.done for worker in workers) > ROUNDS
    assert any(worker.cut_off for worker in workers)
    servers[-1].stop()
    lost = set().union(*(worker.confirmed for worker in workers)) - tokens_on_disk(servers[0].data)
    assert not lost
