"""The processes: how they start, what replaces them, how they end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.raw import Raw, request

from filehost_dav.http.loads import Loads

PROGRAM = """
import logging, os, sys, time
from pathlib import Path
from filehost_dav.errors import ConfigError
from filehost_dav.http.workers import Limits, Listener, Service, serve

folder, workers, unix = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
logging.basicConfig(stream=sys.stderr)

def load():
    word = (folder / "word").read_text()
    if word == "bad":
        raise ConfigError(["word: bad; choose another"])

    def make_application():
        if word == "broken":
            raise LookupError("cannot be built")
        def app(environ, start):
            if environ["PATH_INFO"] == "/slow":
                (folder / "begun").touch()
                time.sleep(1)
            body = f"{word} {os.getpid()}".encode()
            start("200 OK", [("Content-Length", str(len(body)))])
            return [body]
        return app

    return Service(make_application, workers=workers, limits=Limits(drain_seconds=3))

listener = Listener(unix=Path(unix[0])) if unix else Listener(port=0)
serve([listener], load, on_ready=lambda addresses: print(addresses[0].url, flush=True))
"""


@dataclass
class Running:
    process: subprocess.Popen[str]
    folder: Path
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def ask(self, path: str = "/") -> tuple[str, int]:
        """The word it serves with, and the worker that answered."""
        with Raw(self.port) as client:
            word, pid = client.ask(request("GET", path)).body.decode().split()
            return word, int(pid)

    def workers(self) -> set[int]:
        return {self.ask()[1] for _ in range(20)}

    def say(self, word: str) -> None:
        (self.folder / "word").write_text(word)

    def end(self, seconds: float = 5) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def begin(workers: int = 1, *more: str, before: Sequence[str] = ()) -> Running:
            (tmp_path / "word").write_text("one")
            command = [*before, sys.executable, "-c", PROGRAM, str(tmp_path), str(workers), *more]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stack.callback(_finish, process)
            assert process.stdout is not None
            return Running(process, tmp_path, process.stdout.readline().strip())

        yield begin


def _finish(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def eventually(check: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, EOFError):
            if check():
                return True
        time.sleep(0.02)
    return False


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_it_at_once_when_nothing_runs(start: Start, number: signal.Signals) -> None:
    running = start(2)
    workers = running.workers()
    with Raw(running.port) as idle:
        idle.ask(request())
        running.process.send_signal(number)
        assert running.process.wait(3) == 0
    assert not any(is_alive(pid) for pid in workers)


def test_a_client_is_left_to_a_worker_with_fewer_that_is_at_rest() -> None:
    loads = Loads(3)
    first, second = loads.take(), loads.take()
    assert not first.is_above_another()
    first.set(1)
    assert first.is_above_another()
    assert not second.is_above_another()
    second.work()
    assert not first.is_above_another()
    second.set(0)
    assert not first.is_above_another()
    second.rest()
    assert first.is_above_another()


def test_no_client_is_left_to_a_worker_that_has_gone() -> None:
    loads = Loads(3)
    first, second = loads.take(), loads.take()
    first.set(1)
    second.give_up()
    assert not first.is_above_another()
    loads.take()
    assert first.is_above_another()


@pytest.mark.timing
def test_new_connections_are_shared_out(start: Start) -> None:
    running = start(2)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Raw(running.port)) for _ in range(8)]
        for client in clients:
            client.ask(request())
        pids = [client.ask(request()).body for client in clients]
    assert max(pids.count(pid) for pid in pids) <= 5


def test_the_usual_limit_of_descriptors_does_not_limit_the_clients(start: Start) -> None:
    running = start(1, before=["sh", "-c", 'ulimit -S -n 128 && exec "$@"', "sh"])
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Raw(running.port)) for _ in range(300)]
        assert {client.ask(request()).status for client in clients} == {200}


def test_a_running_request_is_finished_before_the_end(start: Start) -> None:
    running = start(1)
    with Raw(running.port) as client:
        client.send(request("GET", "/slow"))
        assert eventually((running.folder / "begun").exists)
        running.process.send_signal(signal.SIGTERM)
        answer = client.answer()
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
    assert running.process.wait(3) == 0


def test_a_worker_that_dies_is_replaced(start: Start) -> None:
    running = start(1)
    _, first = running.ask()
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: running.ask()[1] != first)
    assert running.end() == 0


def ask_anew(running: Running, stop: threading.Event) -> None:
    while not stop.is_set():
        running.ask()


def ask_on_kept_connections(running: Running, stop: threading.Event) -> None:
    """Each is used until the server says that it closes, and is idle for a moment after each answer."""
    while not stop.is_set():
        with Raw(running.port) as client:
            while not stop.is_set() and client.ask(request()).headers.get("connection") != "close":
                time.sleep(0.0005)


@pytest.mark.parametrize("ask", [ask_anew, ask_on_kept_connections])
def test_a_reload_replaces_the_workers_and_turns_nobody_away(
    start: Start, ask: Callable[[Running, threading.Event], None]
) -> None:
    running = start(2)
    stop = threading.Event()
    with ThreadPoolExecutor(2) as clients:
        asking = [clients.submit(ask, running, stop) for _ in range(2)]
        try:
            for number in range(5):
                reload(running, f"word{number}")
        finally:
            stop.set()
        for client in asking:
            client.result()
    assert running.end() == 0


def reload(running: Running, word: str) -> None:
    """Returns when all workers say the new word and the old ones are gone."""
    before = running.workers()
    running.say(word)
    running.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: all(running.ask()[0] == word for _ in range(10)))
    assert eventually(lambda: not any(is_alive(pid) for pid in before))


@pytest.mark.parametrize("word", ["bad", "broken"])
def test_a_configuration_that_cannot_be_used_changes_nothing(start: Start, word: str) -> None:
    running = start(1)
    before = running.ask()
    running.say(word)
    running.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert running.ask() == before
    running.say("two")
    running.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: running.ask()[0] == "two")


def test_workers_do_not_outlive_their_parent(start: Start) -> None:
    running = start(2)
    workers = running.workers()
    running.process.kill()
    assert eventually(lambda: not any(is_alive(pid) for pid in workers))


def test_a_unix_socket_is_served_and_removed(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    running = start(1, str(path))
    assert running.url == f"unix:{path}"
    assert path.stat().st_mode & 0o777 == 0o660
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(request("GET", "/", "Connection: close"))
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 200")
    assert running.end() == 0
    assert not path.exists()


def test_an_application_that_cannot_be_built_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("broken")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "A worker did not start" in done.stderr
