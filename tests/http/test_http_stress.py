"""Many different clients at once: every answer belongs to its request, and nobody is forgotten."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from harness.raw import Raw, demo, ours, request, trusting

from filehost_dav.http.tls import Certificate


def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """Like the demo, and sometimes it blocks for a moment or computes for one."""
    pause = environ["QUERY_STRING"]
    if pause.startswith("sleep"):
        time.sleep(0.005)
    if pause.startswith("spin"):
        end = time.monotonic() + 0.005
        while time.monotonic() < end:
            continue
    return demo(environ, start)


class Customer(threading.Thread):
    """Sends random requests in random pieces, and checks every answer."""

    def __init__(self, port: int, seed: int, until: float, tls: bool) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.port, self.until, self.tls = port, until, tls
        self.served = 0
        self.problem = ""

    def run(self) -> None:
        try:
            while time.monotonic() < self.until:
                with Raw(self.port, timeout=20, tls=trusting() if self.tls else None) as client:
                    for _ in range(self.random.randrange(1, 20)):
                        self.trade(client)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test reports it
            self.problem = f"{type(error).__name__}: {error}"

    def trade(self, client: Raw) -> None:
        """One to three requests at once, then their answers in order."""
        whole, expected = b"", []
        for _ in range(self.random.choice([1, 1, 1, 3])):
            data, echo = self.made_up()
            whole += data
            expected.append(echo)
        self.deliver(client, whole)
        for echo in expected:
            assert client.answer().body == echo, "the answer to another request"
            self.served += 1

    def made_up(self) -> tuple[bytes, bytes]:
        body = self.random.randbytes(self.random.choice([0, 0, 1, 100, 5000, 20_000, 200_000]))
        query = self.random.choice(["", "", "sleep", "spin"])
        path = f"/{self.random.random()}"
        if body and self.random.random() < 0.5:
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in _pieces(body, self.random))
            data = request("PUT", f"{path}?{query}", "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n"
        else:
            data = request("PUT", f"{path}?{query}", body=body)
        return data, b"PUT|%b|%b|%b" % (path.encode(), query.encode(), body)

    def deliver(self, client: Raw, data: bytes) -> None:
        for piece in _pieces(data, self.random) if self.random.random() < 0.5 else [data]:
            client.send(piece)
            if self.random.random() < 0.2:
                time.sleep(0.002)


def _pieces(data: bytes, chance: random.Random) -> list[bytes]:
    cuts = sorted(chance.randrange(1, len(data) + 1) for _ in range(chance.randrange(4)))
    edges = [0, *cuts, len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]


@pytest.mark.slow
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_every_answer_belongs_to_its_request(certificate: Certificate, tls: bool) -> None:
    with ours(app, tls=certificate if tls else None) as port:
        until = time.monotonic() + 4
        customers = [Customer(port, seed, until, tls) for seed in range(24)]
        for customer in customers:
            customer.start()
        for customer in customers:
            customer.join(60)
        assert [customer.problem for customer in customers if customer.problem] == []
        assert all(customer.served for customer in customers)
