"""Many at once: streams side by side, small requests beside uploads, idle clients, and the memory of it all.

The crowd lives in a process of its own, so that it does not share an interpreter with what is timed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.load import Connection, rate
from benchmarks.memory import resident
from benchmarks.peers import MIB, Place

STREAMS = 4
PATIENCE = 10.0  # seconds, with a server that lets clients wait for one another
_SLOW_SIZE = 100_000
_FORK = multiprocessing.get_context("fork")


def sign_in(place: Place) -> None:
    """So that no hash of a password is measured where a server remembers it. Nothing is listed: rclone would
    keep that, and not see the files that are made on disk.
    """
    _together(8, lambda _: _once(place, "OPTIONS", "/"))


def get_streams(place: Place, path: str) -> float:
    """MiB a second of several downloads of the large file together."""
    began = time.perf_counter()
    _together(STREAMS, lambda _: _once(place, "GET", path))
    return STREAMS * place.scale.large / MIB / (time.perf_counter() - began)


def put_streams(place: Place) -> None:
    """Several uploads at once, of half a large file together."""
    size = place.scale.large // (2 * STREAMS)
    _together(STREAMS, lambda number: _upload(place, f"/stream{number}.txt", size))


def listings(place: Place, path: str, count: int) -> None:
    """The same folder, listed by so many at once."""
    _together(count, lambda _: _once(place, "PROPFIND", path, {"Depth": "1"}))


def peak(place: Place, work: Callable[[], object]) -> float:
    """The most memory while `work` is done, in MiB."""
    most, done = [resident(place.pid)], threading.Event()

    def sample() -> None:
        while not done.wait(0.05):
            most.append(resident(place.pid))

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        work()
    finally:
        done.set()
        sampling.join()
    return max(most) / MIB


def latency(place: Place, path: str) -> float:
    """The 99th percentile of small GETs one after the other, in milliseconds."""
    times = []
    end = time.monotonic() + place.scale.seconds
    with Connection(place, patience=PATIENCE) as connection:
        request = connection.request("GET", path)
        while time.monotonic() < end or len(times) < 2:
            times.append(connection.timed(request))
    return statistics.quantiles(times, n=100)[98] * 1000


def beside_fast(place: Place, path: str, count: int) -> tuple[float, float]:
    """The 99th percentile of small GETs in milliseconds, and MiB a second that are uploaded meanwhile."""
    with fast_uploads(place, count) as uploaded:
        before, began = uploaded(), time.perf_counter()
        found = latency(place, path)
        return found, (uploaded() - before) / MIB / (time.perf_counter() - began)


@contextlib.contextmanager
def fast_uploads(place: Place, count: int) -> Iterator[Callable[[], int]]:
    """So many clients upload as fast as they can, again and again; yields how many bytes they have sent."""
    sent = _FORK.RawArray("Q", count)

    def client(number: int) -> None:
        def note(size: int) -> None:
            sent[number] += size

        while True:
            with Connection(place) as connection:
                connection.upload(f"/fast{number}.txt", 64 * MIB, chunked=False, note=note)

    with _crowd(lambda: _together(count, client)):
        time.sleep(0.3)
        yield lambda: sum(sent)


@contextlib.contextmanager
def slow_uploads(place: Place, count: int) -> Iterator[None]:
    """So many clients upload a few bytes a second."""

    def work() -> None:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(Connection(place, patience=PATIENCE)) for _ in range(count)]
            for number, client in enumerate(clients):
                headers = {"Content-Length": str(_SLOW_SIZE)}
                client.send(client.request("PUT", f"/slow{number}.txt", headers=headers))
            begun.set()
            while True:
                for client in clients:
                    client.send(b"x")
                time.sleep(0.5)

    begun = _FORK.Event()
    with _crowd(work):
        if not begun.wait(PATIENCE):
            raise RuntimeError(f"{count} slow uploads do not begin")
        time.sleep(2)  # until all of them are being served
        yield


def beside_idle(place: Place, path: str, count: int) -> float:
    """The rate of small GETs while so many connections lie idle. Raises RuntimeError when one was closed."""
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(Connection(place, patience=PATIENCE)) for _ in range(count)]
        for client in idle:
            client.ask(client.request("GET", path))
        found = rate(place, 8, "GET", path)
        for client in idle:
            client.ask(client.request("GET", path))
    return found


@contextlib.contextmanager
def _crowd(work: Callable[[], object]) -> Iterator[None]:
    crowd = _FORK.Process(target=work, daemon=True)
    crowd.start()
    try:
        yield
    finally:
        crowd.kill()
        crowd.join()


def _together(count: int, work: Callable[[int], object]) -> None:
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(work, range(count)))


def _once(place: Place, method: str, path: str, headers: dict[str, str] | None = None) -> None:
    with Connection(place) as connection:
        connection.ask(connection.request(method, path, headers=headers))


def _upload(place: Place, path: str, size: int) -> None:
    with Connection(place) as connection:
        connection.upload(path, size, chunked=False)
