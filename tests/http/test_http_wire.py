"""A client's socket: what goes out when."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from harness.raw import Raw, demo, ours, request, trusting

from filehost_dav.http.tls import Certificate
from filehost_dav.http.wire import Wire


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels hold nothing back")
def test_the_last_bytes_leave_with_the_end_of_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        near, _ = listener.accept()
    with client, near:
        Wire(near, lambda: None, 1.0).send_last(b"last")
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(100)
        client.settimeout(10)
        near.close()
        assert client.recv(100) == b"last"
        assert client.recv(100) == b""


@pytest.mark.skipif(not hasattr(os, "sendfile"), reason="needs sendfile")
def test_of_a_file_nothing_is_held_back_when_it_is_sent(some_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        near, _ = listener.accept()
    with client, near, some_file.open("rb") as file:
        near.setblocking(False)
        assert Wire(near, lambda: None, 1.0).send_file(file.fileno(), 0, 100_001) == 100_001
        client.settimeout(0.15)  # less than the kernel holds back
        received = b""
        while len(received) < 100_001:
            received += client.recv(100_001)
    assert received == some_file.read_bytes()[:100_001]


@pytest.mark.parametrize("over_tls", [False, True])
def test_an_answer_that_ends_its_connection_arrives_whole(certificate: Certificate, over_tls: bool) -> None:
    tls, trust = (certificate, trusting()) if over_tls else (None, None)
    with ours(demo, tls=tls) as port, Raw(port, tls=trust) as client:
        assert client.ask(request("GET", "/a", "Connection: close")).body == b"GET|/a||"
        assert client.is_closed(5)
