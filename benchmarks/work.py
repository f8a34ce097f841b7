"""The work: what is asked of every server, and how one value is taken from it.

Rates come from wrk (a load generator in C), latencies and streams from the plain sockets of
`load.py`, so that the generator costs little on a machine that it shares with the server.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import clients, crowds
from benchmarks.load import Connection, rate
from benchmarks.memory import resident
from benchmarks.peers import MIB, Place

_SAMPLES = 8
_MANY = 16
NAMED = (
    b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><getlastmodified/><getcontentlength/>'
    b"<creationdate/><resourcetype/></prop></propfind>"
)


@dataclass(frozen=True)
class Figure:
    """One figure; `group` shares a server. `larger` says which way is better."""

    group: str
    name: str
    unit: str
    larger: bool
    measure: Callable[[Place], float]


def lay_out(place: Place) -> None:
    """What small requests need, before the first of them: rclone remembers what it has seen in a folder."""
    _small(place)
    for connections in (1, 8, 64):
        _folder(place, f"put{connections}", 0)


def _listing(count: int, body: bytes) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        folder = _folder(place, f"list{count}", count)
        with Connection(place) as connection:
            request = connection.request("PROPFIND", f"/{folder}/", body, {"Depth": "1"})
            connection.timed(request)
            return _typical(connection, request, place) * 1000

    return measure


def _typical(connection: Connection, request: bytes, place: Place) -> float:
    """The median time in seconds of some of the same request: one alone would be a matter of luck."""
    times = [connection.timed(request)]
    while len(times) < _SAMPLES and sum(times) < place.scale.seconds:
        times.append(connection.timed(request))
    return statistics.median(times)


def _first_of_listing(place: Place) -> float:
    with Connection(place) as connection:
        request = connection.request("PROPFIND", _ten_thousand(place), headers={"Depth": "1"})
        connection.timed(request)
        return statistics.median(connection.first(request) for _ in range(_SAMPLES)) * 100


def _propfind(connections: int) -> Callable[[Place], float]:
    return lambda place: rate(place, connections, "PROPFIND", _small(place), {"Depth": "0"})


def _get(connections: int) -> Callable[[Place], float]:
    return lambda place: rate(place, connections, "GET", _small(place))


def _put(connections: int) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        folder = _folder(place, f"put{connections}", 0)
        return rate(place, connections, "PUT", f"/{folder}/", body="x" * 1024, numbered=True)

    return measure


def _get_large(place: Place) -> float:
    path = _large(place)
    with Connection(place) as connection:
        return place.scale.large / MIB / _typical(connection, connection.request("GET", path), place)


def _put_large(*, chunked: bool) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        size = place.scale.large
        with Connection(place) as connection:
            return size / MIB / connection.upload(f"/up{int(chunked)}.txt", size, chunked=chunked)

    return measure


def _change(method: str, count: int) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        folder = _folder(place, f"{method.lower()}{count}", count)
        headers = {} if method == "DELETE" else {"Destination": f"{place.url}/{folder}-2/"}
        with Connection(place) as connection:
            return connection.timed(connection.request(method, f"/{folder}/", headers=headers)) * 1000

    return measure


def _folder(place: Place, name: str, count: int) -> str:
    """A folder with `count` files of 1 KiB, made on disk when it is not there; its name."""
    folder = place.files / name
    if not folder.exists():
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}.txt").write_bytes(b"x" * 1024)
        place.give(folder)
    return name


def _small(place: Place) -> str:
    return f"/{_folder(place, 'small', 100)}/0.txt"


def _ten_thousand(place: Place) -> str:
    return f"/{_folder(place, 'list10000', 10000)}/"


def _large(place: Place) -> str:
    """The large file, made on disk when it is not there; its path."""
    file = place.files / "large.txt"
    if not file.exists():
        with file.open("wb") as writing:
            for _ in range(place.scale.large // MIB):
                writing.write(b"\0" * MIB)
        place.give(file)
    return "/large.txt"


def _copy_large(place: Place) -> float:
    headers = {"Destination": f"{place.url}/copy.txt"}
    _large(place)
    with Connection(place) as connection:
        return (
            place.scale.large
            / MIB
            / connection.timed(connection.request("COPY", "/large.txt", headers=headers))
        )


def _new_connections(place: Place) -> float:
    return rate(place, 8, "GET", _small(place), {"Connection": "close"})


def _beside_fast(place: Place) -> float:
    return crowds.beside_fast(place, _small(place), 8)[0]


def _fast_beside(place: Place) -> float:
    return crowds.beside_fast(place, _small(place), 8)[1]


def _beside_slow(count: int) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        path = _small(place)
        with crowds.slow_uploads(place, count):
            return crowds.latency(place, path)

    return measure


def _memory(work: Callable[[Place], object]) -> Callable[[Place], float]:
    return lambda place: crowds.peak(place, lambda: work(place))


def _after(place: Place) -> float:
    time.sleep(1)
    return resident(place.pid) / MIB


WORK = (
    Figure("start", "start to the first answer", "ms", False, lambda place: place.start * 1000),
    Figure("list", "listing of 1,000, all properties", "ms", False, _listing(1000, b"")),
    Figure("list", "listing of 1,000, four named", "ms", False, _listing(1000, NAMED)),
    Figure("list", "listing of 10,000, all properties", "ms", False, _listing(10000, b"")),
    Figure("list", "listing of 10,000, four named", "ms", False, _listing(10000, NAMED)),
    Figure("list", "listing of 10,000, until its first byte", "%", False, _first_of_listing),
    Figure("small", "PROPFIND depth 0, 1 connection", "/s", True, _propfind(1)),
    Figure("small", "PROPFIND depth 0, 8 connections", "/s", True, _propfind(8)),
    Figure("small", "GET 1 KiB, 1 connection", "/s", True, _get(1)),
    Figure("small", "GET 1 KiB, 8 connections", "/s", True, _get(8)),
    Figure("small", "GET 1 KiB, 64 connections", "/s", True, _get(64)),
    Figure("put", "PUT 1 KiB, 1 connection", "/s", True, _put(1)),
    Figure("put", "PUT 1 KiB, 8 connections", "/s", True, _put(8)),
    Figure("put", "PUT 1 KiB, 64 connections", "/s", True, _put(64)),
    Figure("big", "GET, large", "MiB/s", True, _get_large),
    Figure(
        "big", "GET, large, 4 streams", "MiB/s", True, lambda place: crowds.get_streams(place, _large(place))
    ),
    Figure("big", "PUT, large, with a length", "MiB/s", True, _put_large(chunked=False)),
    Figure("big", "PUT, large, chunked", "MiB/s", True, _put_large(chunked=True)),
    Figure("tree", "COPY, large", "MiB/s", True, _copy_large),
    Figure("tree", "MOVE a folder of 10,000", "ms", False, _change("MOVE", 10000)),
    Figure("tree", "DELETE a folder of 10,000", "ms", False, _change("DELETE", 10000)),
    Figure("tree", "COPY a folder of 1,000", "ms", False, _change("COPY", 1000)),
    Figure("session", "a file manager's session, per file", "ms", False, clients.session),
    Figure("rclone", "rclone: small files up", "/s", True, clients.rclone_up),
    Figure("rclone", "rclone: check", "files/s", True, clients.rclone_check),
    Figure("rclone", "rclone: lsf -R", "files/s", True, clients.rclone_list),
    Figure("rclone", "rclone: large up", "MiB/s", True, clients.rclone_large_up),
    Figure("rclone", "rclone: large down", "MiB/s", True, clients.rclone_large_down),
    Figure("crowd", "p99 of GET 1 KiB beside 8 fast uploads", "ms", False, _beside_fast),
    Figure("crowd", "8 fast uploads beside GETs of 1 KiB", "MiB/s", True, _fast_beside),
    Figure("crowd", "p99 of GET 1 KiB beside 100 slow uploads", "ms", False, _beside_slow(100)),
    Figure("crowd", "p99 of GET 1 KiB beside 1,000 slow uploads", "ms", False, _beside_slow(1000)),
    Figure(
        "idle",
        "GET 1 KiB beside 1,000 idle",
        "/s",
        True,
        lambda place: crowds.beside_idle(place, _small(place), 1000),
    ),
    Figure("tls", "TLS: GET, large", "MiB/s", True, _get_large),
    Figure("tls", "TLS: GET 1 KiB, 8 connections", "/s", True, _get(8)),
    Figure("tls", "TLS: GET 1 KiB, each on a new connection", "/s", True, _new_connections),
    Figure("memory", "memory, idle", "MiB", False, _after),
    Figure(
        "memory",
        "memory, 4 large GETs",
        "MiB",
        False,
        _memory(lambda place: crowds.get_streams(place, _large(place))),
    ),
    Figure("memory", "memory, 4 large PUTs", "MiB", False, _memory(crowds.put_streams)),
    Figure("memory", "memory, GET 1 KiB, 64 connections", "MiB", False, _memory(_get(64))),
    Figure(
        "memory",
        "memory, 4 listings of 10,000",
        "MiB",
        False,
        _memory(lambda place: crowds.listings(place, _ten_thousand(place), crowds.STREAMS)),
    ),
    Figure(
        "memory",
        "memory, 16 listings of 10,000",
        "MiB",
        False,
        _memory(lambda place: crowds.listings(place, _ten_thousand(place), _MANY)),
    ),
    Figure("memory", "memory, a second later", "MiB", False, _after),
)
