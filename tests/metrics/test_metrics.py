"""Metrics: counted in all workers, told at one address."""

from __future__ import annotations

import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from harness.dav import Client
from harness.server import Server

from filehost_dav.logs.requests import Record
from filehost_dav.metrics.counters import Counters
from filehost_dav.metrics.requests import RequestCounts, as_open_metrics, request_counters


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def scrape(port: int, seconds: float = 20.0) -> str:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
                text: str = answer.read().decode()
                return text
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.1)


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_requests_of_all_workers_are_counted_at_one_address(start_server: Callable[..., Server]) -> None:
    port = free_port()
    server = start_server(FILEHOST_METRICS_LISTEN=f"127.0.0.1:{port}", FILEHOST_SERVER_WORKERS="2")
    anna = server.add_user("anna")
    for number in range(10):
        with Client(server, anna) as client:
            client.put(f"/{number}.txt", b"12345")
    text = scrape(port)
    end = time.monotonic() + 10
    # A request is counted when its answer is sent, which its client may hear first.
    while value(text, "filehost_received_bytes_total") < 50 and time.monotonic() < end:
        text = scrape(port)
    assert value(text, 'filehost_requests_total{method="PUT",status="201"}') == 10
    assert value(text, 'filehost_request_seconds_count{method="PUT"}') == 10
    assert value(text, 'filehost_request_seconds_bucket{method="PUT",le="+Inf"}') == 10
    assert value(text, "filehost_received_bytes_total") == 50
    assert value(text, "filehost_workers_started_total") == 2
    assert value(text, "filehost_active_requests") == 0
    assert value(text, "filehost_users") == 2
    assert text.endswith("# EOF\n")


def test_it_is_not_told_at_the_server_s_own_address(start_server: Callable[..., Server]) -> None:
    server = start_server(FILEHOST_METRICS_LISTEN=f"127.0.0.1:{free_port()}")
    with Client(server) as client:
        assert client("GET", "/metrics").status == 401


@pytest.fixture
def counters() -> Iterator[Counters]:
    made = request_counters()
    yield made
    made.close()


def record(method: str, status: int, ms: float) -> Record:
    return Record(0.0, "", method, "/", status, 100, -1, ms, "", "")


def test_a_histogram_counts_what_took_up_to_each_bound(counters: Counters) -> None:
    counts = RequestCounts(counters)
    for ms in (1, 5, 6, 400, 70_000):
        counts.begun()
        counts.done(record("GET", 200, ms))
    text = as_open_metrics(counters, {})
    bounds = {bound: value(text, f'filehost_request_seconds_bucket{{method="GET",le="{bound}"}}') for bound in
              ("0.005", "0.025", "0.5", "60.0", "+Inf")}  # fmt: skip
    assert bounds == {"0.005": 2, "0.025": 3, "0.5": 4, "60.0": 4, "+Inf": 5}
    assert value(text, 'filehost_request_seconds_sum{method="GET"}') == pytest.approx(70.412)


@pytest.mark.parametrize(("method", "status"), [("BREW", 200), ("GET", 418), ("\n", 999)])
def test_what_is_not_known_is_counted_as_other(counters: Counters, method: str, status: int) -> None:
    counts = RequestCounts(counters)
    counts.begun()
    counts.done(record(method, status, 1))
    assert 'other"' in as_open_metrics(counters, {})


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="one process only")
def test_a_worker_s_successor_counts_on_where_it_stopped() -> None:
    counters = Counters(["done"], gauges=["active"])
    for _ in range(3):
        child = os.fork()
        if not child:
            counters.join()
            counters.add(("done", 1), ("active", 1))
            os._exit(0)
        os.waitpid(child, 0)
    assert counters._numbers.tolist()[2:4] == [3, 1]
    assert counters.total()("done") == 3
    counters.close()
