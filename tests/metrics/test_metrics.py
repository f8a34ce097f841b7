"""Metrics: counted in all workers, told at one address."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.dav import Client
from harness.server import Server
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from testbed.processes import free_port

from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.logs.requests import Record
from filehost_dav.metrics.counters import Counters
from filehost_dav.metrics.requests import RequestCounts, as_open_metrics, request_counters
from filehost_dav.metrics.survey import Survey


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


def families(text: str) -> dict[str, Metric]:
    """As Prometheus reads it. Raises ValueError when it cannot."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def sample(text: str, family: str, name: str, **labels: str) -> float:
    """The one sample of that name and those labels."""
    (found,) = [
        each.value
        for each in families(text)[family].samples
        if each.name == name and labels.items() <= each.labels.items()
    ]
    return float(found)


def eventually(port: int, holds: Callable[[str], bool]) -> str:
    """A scrape for which it holds."""
    end = time.monotonic() + 20
    while not holds(text := scrape(port)):
        assert time.monotonic() < end, text
        time.sleep(0.05)
    return text


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
    assert value(text, 'filehost_active_requests{method="PUT"}') == 0
    assert value(text, "filehost_users") == 2
    assert text.endswith("# EOF\n")


def test_it_is_not_told_at_the_server_s_own_address(start_server: Callable[..., Server]) -> None:
    server = start_server(FILEHOST_METRICS_LISTEN=f"127.0.0.1:{free_port()}")
    with Client(server) as client:
        assert client("GET", "/metrics").status == 401


def test_prometheus_reads_all_of_it(start_server: Callable[..., Server]) -> None:
    port = free_port()
    server = start_server(FILEHOST_METRICS_LISTEN=f"127.0.0.1:{port}")
    anna = server.add_user("anna")
    with Client(server, anna) as client:
        client.put("/a.txt", b"12345")
        client.put("/b.txt", b"1234567")
        client("DELETE", "/b.txt")
        client.lock("/a.txt")
        text = eventually(port, lambda text: "filehost_trash_entries" in text)
    kinds = {name: family.type for name, family in families(text).items()}
    assert set(kinds.values()) == {"counter", "gauge", "histogram"}
    assert set(kinds) >= {
        "filehost_requests", "filehost_request_seconds", "filehost_sent_bytes", "filehost_received_bytes",
        "filehost_active_requests", "filehost_hash_waits", "filehost_hash_wait_seconds", "filehost_locks",
        "filehost_trash_entries", "filehost_kept_bytes", "filehost_files_bytes", "filehost_disk_free_bytes",
        "filehost_workers_started", "filehost_workers_died", "filehost_users", "filehost_waiting",
    }  # fmt: skip
    assert sample(text, "filehost_trash_entries", "filehost_trash_entries") == 1
    assert sample(text, "filehost_kept_bytes", "filehost_kept_bytes") == 7
    assert sample(text, "filehost_files_bytes", "filehost_files_bytes") == 5
    assert sample(text, "filehost_locks", "filehost_locks") == 1
    assert all(family.documentation for family in families(text).values())


def test_an_upload_without_a_length_is_counted_in_bytes(start_server: Callable[..., Server]) -> None:
    port = free_port()
    server = start_server(FILEHOST_METRICS_LISTEN=f"127.0.0.1:{port}", FILEHOST_LOG_FORMAT="plain")
    anna = server.add_user("anna")
    with Client(server, anna) as client:
        client("PUT", "/a.txt", iter([b"one", b"three"]))
        client("GET", "/a.txt")
    server.wait_for_log("method=GET")
    assert re.search(r"method=PUT path=/a.txt status=201 sent=\d+ received=8 ", server.log)
    assert re.search(r"method=GET path=/a.txt status=200 sent=\d+ received=-1 ", server.log)
    text = eventually(port, lambda text: value(text, "filehost_received_bytes_total") > 0)
    assert sample(text, "filehost_received_bytes", "filehost_received_bytes_total") == 8


def test_an_upload_in_progress_is_seen(start_server: Callable[..., Server]) -> None:
    port = free_port()
    server = start_server(FILEHOST_METRICS_LISTEN=f"127.0.0.1:{port}")
    anna = server.add_user("anna")
    scrape(port)
    seen: list[float] = []

    def pieces() -> Iterator[bytes]:
        yield b"x" * 100_000
        text = eventually(port, lambda text: value(text, 'filehost_active_requests{method="PUT"}') > 0)
        seen.append(sample(text, "filehost_active_requests", "filehost_active_requests", method="PUT"))
        yield b"y"

    with Client(server, anna) as client:
        assert client("PUT", "/a.txt", pieces()).status == 201
    assert seen == [1]


def test_a_worker_that_dies_is_counted(start_server: Callable[..., Server]) -> None:
    port = free_port()
    server = start_server(FILEHOST_METRICS_LISTEN=f"127.0.0.1:{port}", FILEHOST_SERVER_WORKERS="2")
    assert sample(scrape(port), "filehost_workers_died", "filehost_workers_died_total") == 0
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    server.wait_for_log("another follows")
    text = eventually(port, lambda text: value(text, "filehost_workers_started_total") == 3)
    assert sample(text, "filehost_workers_died", "filehost_workers_died_total") == 1


def test_who_waits_to_have_a_password_checked_is_counted(counters: Counters) -> None:
    passwords = Passwords(Cost(memory=8192, rounds=1, lanes=1), at_once=1)
    passwords.waited = RequestCounts(counters).hash_waited
    with ThreadPoolExecutor() as pool:
        with passwords.turn():
            waiting = pool.submit(passwords.hash, "x")
            time.sleep(0.05)  # it has nothing to show for its wait
        waiting.result()
    text = as_open_metrics(counters, {})
    assert sample(text, "filehost_hash_waits", "filehost_hash_waits_total") == 1
    assert 0 < sample(text, "filehost_hash_wait_seconds", "filehost_hash_wait_seconds_total") < 5


def test_a_scrape_never_waits_for_the_storage() -> None:
    asked, allowed = threading.Event(), threading.Event()

    def measure() -> int:
        asked.set()
        allowed.wait(20)
        return 5

    survey = Survey(measure)
    assert survey.latest() is None
    assert asked.wait(20)
    assert survey.latest() is None
    allowed.set()
    end = time.monotonic() + 20
    while survey.latest() is None:
        assert time.monotonic() < end
    assert survey.latest() == 5
    survey.stop()


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
        counts.begun("GET")
        counts.done(record("GET", 200, ms))
    text = as_open_metrics(counters, {})
    bounds = {bound: value(text, f'filehost_request_seconds_bucket{{method="GET",le="{bound}"}}') for bound in
              ("0.005", "0.025", "0.5", "60.0", "+Inf")}  # fmt: skip
    assert bounds == {"0.005": 2, "0.025": 3, "0.5": 4, "60.0": 4, "+Inf": 5}
    assert value(text, 'filehost_request_seconds_sum{method="GET"}') == pytest.approx(70.412)


@pytest.mark.parametrize(("method", "status"), [("BREW", 200), ("GET", 418), ("\n", 999)])
def test_what_is_not_known_is_counted_as_other(counters: Counters, method: str, status: int) -> None:
    counts = RequestCounts(counters)
    counts.begun(method)
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
