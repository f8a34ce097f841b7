"""The work: what is asked of every server, and how one value is taken from it.

Rates come from wrk (a load generator in C), latencies and streams from the plain sockets of
`load.py`, so that the generator costs little on a machine that it shares with the server.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Connection, rate
from benchmarks.memory import resident
from benchmarks.peers import Place

MIB = 1 << 20
BIG = 1024 * MIB
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


def _listing(count: int, body: bytes) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        folder = _folder(place, f"list{count}", count)
        with Connection(place) as connection:
            request = connection.request("PROPFIND", f"/{folder}/", body, {"Depth": "1"})
            times = [connection.timed(request) for _ in range(9 if count < 5000 else 4)]
        return statistics.median(times[1:]) * 1000

    return measure


def _propfind(connections: int) -> Callable[[Place], float]:
    return lambda place: rate(
        place, connections, "PROPFIND", f"/{_folder(place, 'small', 100)}/0.txt", {"Depth": "0"}
    )


def _get(connections: int) -> Callable[[Place], float]:
    return lambda place: rate(place, connections, "GET", f"/{_folder(place, 'small', 100)}/0.txt")


def _put(connections: int) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        folder = _folder(place, f"put{connections}", 0)
        return rate(place, connections, "PUT", f"/{folder}/", body="x" * 1024, numbered=True)

    return measure


def _get_big(place: Place) -> float:
    file = place.files / "big.txt"
    if not file.exists():
        with file.open("wb") as writing:
            for _ in range(BIG // MIB):
                writing.write(b"\0" * MIB)
        _readable(file)
    with Connection(place) as connection:
        return BIG / MIB / connection.timed(connection.request("GET", "/big.txt"))


def _put_big(*, chunked: bool) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        with Connection(place) as connection:
            return BIG / MIB / connection.upload(f"/up{int(chunked)}.txt", BIG, chunked=chunked)

    return measure


def _change(method: str, count: int) -> Callable[[Place], float]:
    def measure(place: Place) -> float:
        folder = _folder(place, f"{method.lower()}{count}", count)
        headers = {} if method == "DELETE" else {"Destination": f"http://127.0.0.1:{place.port}/{folder}-2/"}
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
        _readable(folder)
    return name


def _readable(path: Path) -> None:
    """Give it to the owner of the served folder: some servers have left root behind."""
    owner = path.parent.stat()
    for place in (path, *path.rglob("*")):
        os.chown(place, owner.st_uid, owner.st_gid)


WORK = (
    Figure("start", "start to the first answer", "ms", False, lambda place: place.start * 1000),
    Figure("start", "memory idle", "MiB", False, lambda place: resident(place.pid) / MIB),
    Figure("list", "listing of 1,000, all properties", "ms", False, _listing(1000, b"")),
    Figure("list", "listing of 1,000, four named", "ms", False, _listing(1000, NAMED)),
    Figure("list", "listing of 10,000, all properties", "ms", False, _listing(10000, b"")),
    Figure("list", "listing of 10,000, four named", "ms", False, _listing(10000, NAMED)),
    Figure("small", "PROPFIND depth 0, 1 connection", "/s", True, _propfind(1)),
    Figure("small", "PROPFIND depth 0, 8 connections", "/s", True, _propfind(8)),
    Figure("small", "GET 1 KiB, 1 connection", "/s", True, _get(1)),
    Figure("small", "GET 1 KiB, 8 connections", "/s", True, _get(8)),
    Figure("small", "GET 1 KiB, 64 connections", "/s", True, _get(64)),
    Figure("put", "PUT 1 KiB, 1 connection", "/s", True, _put(1)),
    Figure("put", "PUT 1 KiB, 8 connections", "/s", True, _put(8)),
    Figure("put", "PUT 1 KiB, 64 connections", "/s", True, _put(64)),
    Figure("big", "GET 1 GiB", "MiB/s", True, _get_big),
    Figure("big", "PUT 1 GiB with a length", "MiB/s", True, _put_big(chunked=False)),
    Figure("big", "PUT 1 GiB chunked", "MiB/s", True, _put_big(chunked=True)),
    Figure("tree", "MOVE a folder of 10,000", "ms", False, _change("MOVE", 10000)),
    Figure("tree", "DELETE a folder of 10,000", "ms", False, _change("DELETE", 10000)),
    Figure("tree", "COPY a folder of 1,000", "ms", False, _change("COPY", 1000)),
)
