"""Memory stays where it is whatever is sent: measured on a server process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.raw import Raw, request

PROGRAM = """
import socket
from filehost_dav.http.listener import Bound
from filehost_dav.http.server import Server
from filehost_dav.http.service import Service

def app(environ, start):
    count = 0
    if environ["PATH_INFO"] != "/refuse":
        buffer = memoryview(bytearray(65536))
        while piece := environ["wsgi.input"].readinto(buffer):
            count += piece
    start("200 OK" if count else "401 Unauthorized", [])
    return [str(count).encode()]

listener = socket.create_server(("127.0.0.1", 0), backlog=100)
server = Server(app, [Bound(listener)], Service(lambda: app))
server.prepare()
print(listener.getsockname()[1], flush=True)
server.serve()
"""
MEGABYTE = 1_000_000
CEILING = 16 * MEGABYTE


@dataclass
class Process:
    pid: int
    port: int

    def peak(self) -> int:
        """The most memory it ever had, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")


@pytest.fixture
def process() -> Iterator[Process]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield Process(running.pid, int(running.stdout.readline()))
        finally:
            running.kill()


def flood(client: Raw, piece: bytes, count: int) -> None:
    """Send a piece again and again, until the server has had enough of it."""
    with contextlib.suppress(OSError):
        for _ in range(count):
            client.send(piece)


CHUNKED = "Transfer-Encoding: chunked"
CHUNK = b"f4240\r\n" + b"x" * MEGABYTE + b"\r\n"
FLOODS = {
    "a refused body": (request("PUT", "/refuse", "Content-Length: 200000000"), b"x" * MEGABYTE),
    "a refused chunked body": (request("PUT", "/refuse", CHUNKED), CHUNK),
    "an accepted body": (request("PUT", "/take", "Content-Length: 200000000"), b"x" * MEGABYTE),
    "an accepted chunked body": (request("PUT", "/take", CHUNKED), CHUNK),
    "one chunk": (request("PUT", "/take", CHUNKED) + b"bebc200\r\n", b"x" * MEGABYTE),
    "a chunk size without end": (request("PUT", "/take", CHUNKED), b"0" * MEGABYTE),
    "trailers without end": (
        request("PUT", "/take", CHUNKED) + b"0\r\n",
        b"A: b\r\n" * 100_000,
    ),
    "a head without end": (b"GET / HTTP/1.1\r\n", b"A: b\r\n" * 100_000),
    "a target without end": (b"GET /", b"a" * MEGABYTE),
    "pipelined requests": (b"", request("GET", "/refuse") * 10_000),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("head", "piece"), FLOODS.values(), ids=FLOODS)
def test_memory_is_bounded_under_a_flood(process: Process, head: bytes, piece: bytes) -> None:
    with Raw(process.port) as warm:
        warm.ask(request("PUT", "/take", body=b"x" * 100_000))
    before = process.peak()
    with Raw(process.port) as client:
        client.sock.settimeout(2)
        client.send(head)
        flood(client, piece, 200)
    assert process.peak() - before < CEILING


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_bounded_under_many_refused_uploads(process: Process) -> None:
    before = process.peak()
    for _ in range(50):
        with Raw(process.port) as client:
            client.send(request("PUT", "/refuse", "Content-Length: 200000000"))
            flood(client, b"x" * MEGABYTE, 5)
    assert process.peak() - before < CEILING
