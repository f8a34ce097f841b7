"""Object storage beside `rclone serve webdav` on the same S3 engine.

    PYTHONPATH=tests python -m benchmarks.object [--rounds 3] [--files 10000] [--memory '32 MiB']

Starts SeaweedFS and PostgreSQL as the tests do, with PostgreSQL waiting for the disk. Each round
measures every server in turn, so that a noisy neighbour hits all of them alike; printed are medians,
and in brackets the median of the rounds' ratios to rclone. Small files are put once each, and then got
again and again: `--memory 0` shows what that takes when every GET goes to the store.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.bodies import Bytes
from testbed.postgres import Postgres
from testbed.processes import free_ports
from testbed.seaweedfs import S3

from benchmarks.engines import engines
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.change import changing
from filehost_dav.storage.object.storage import ObjectStorage

USER, PASSWORD = "bench", "correct horse battery staple"
FIELDS = {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
SMALL = b"x" * 4096
REQUESTS = 400  # files for each number of connections
PROPFIND = b'<propfind xmlns="DAV:"><prop><getcontentlength/><getlastmodified/><getetag/></prop></propfind>'
Figures = dict[str, float]
_SCRIPT = """
wrk.headers["Authorization"] = "%s"
number = 0
function request()
  number = number + 1
  return wrk.format("GET", "%s/" .. (number %% %d) .. ".txt")
end
"""


@dataclass
class Peer:
    """A server that runs: how to fill a folder without it, and its port."""

    name: str
    port: int
    fill: Callable[[str, int], None]


def request(port: int, method: str, path: str, body: bytes | None = None, **fields: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        return _ask(connection, method, path, body, fields)
    finally:
        connection.close()


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, fields: dict[str, str]
) -> bytes:
    connection.request(method, path, body, {**FIELDS, **fields})
    answer = connection.getresponse()
    read = answer.read()
    if answer.status >= 400:
        raise RuntimeError(f"{method} {path}: {answer.status}")
    return read


def rate(port: int, connections: int, method: str, name: Callable[[int], str], body: bytes | None) -> float:
    """Requests a second over so many keep-alive connections."""
    share = REQUESTS // connections

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        for index in range(number * share, (number + 1) * share):
            _ask(connection, method, name(index), body, {})
        connection.close()

    hands = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    began = time.monotonic()
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    return share * connections / (time.monotonic() - began)


def wrk_rate(port: int, connections: int, folder: str) -> float:
    """GETs a second of the files in a folder, one after the other, by a load generator in C."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT % (FIELDS["Authorization"], folder, REQUESTS // connections * connections))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", "-d3s", "-s", script.name, f"http://127.0.0.1:{port}/"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if "Non-2xx" in output or match is None:
        raise RuntimeError("some answers were errors")
    return float(match[1])


def measure(peer: Peer, number: int, files: int) -> Figures:
    """One round of one peer. Rates in requests a second, the rest in seconds."""
    found: Figures = {}
    for connections in (1, 8):
        folder = f"/round{number}-{connections}"
        request(peer.port, "MKCOL", folder)
        name = lambda index, folder=folder: f"{folder}/{index % REQUESTS}.txt"  # noqa: E731
        found[f"PUT 4 KiB, {connections} connections"] = rate(peer.port, connections, "PUT", name, SMALL)
        found[f"GET 4 KiB, {connections} connections"] = wrk_rate(peer.port, connections, folder)
    if not files:
        return found
    big = f"big{number}"
    peer.fill(big, files)
    found["first PROPFIND of the folder"] = _timed(peer.port, "PROPFIND", f"/{big}", PROPFIND, Depth="1")
    target = f"http://127.0.0.1:{peer.port}/moved{number}"
    found["MOVE of the folder"] = _timed(peer.port, "MOVE", f"/{big}", None, Destination=target)
    return found


def _timed(port: int, method: str, path: str, body: bytes | None, **fields: str) -> float:
    began = time.monotonic()
    request(port, method, path, body, **fields)
    return time.monotonic() - began


@contextlib.contextmanager
def rclone(s3: S3) -> Iterator[Peer]:
    bucket, (port,) = s3.bucket(), free_ports(1)
    remote = f":s3,provider=Other,env_auth=true,endpoint='{s3.endpoint}',force_path_style=true:{bucket}"
    command = ["rclone", "serve", "webdav", remote, "--addr", f"127.0.0.1:{port}"]
    command += ["--user", USER, "--pass", PASSWORD, "--dir-cache-time", "5s", "--config", "/dev/null"]

    def fill(folder: str, files: int) -> None:
        blobs = Boto3Blobs(Bucket(bucket, s3.endpoint))
        _in_threads(files, lambda index: blobs.put(f"{folder}/{index}.txt", SMALL, {}))
        time.sleep(6)  # until rclone has forgotten that the folder was not there

    # rclone 1.60 does not start where this variable is set.
    environment = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
    with _running("rclone", command, environment, port):
        yield Peer("rclone", port, fill)


@contextlib.contextmanager
def filehost(s3: S3, home: Path, postgres: Postgres | None, memory: str) -> Iterator[Peer]:
    name = "filehost, PostgreSQL" if postgres else "filehost, SQLite"
    data, bucket, (port,) = home / name.replace(", ", "-"), s3.bucket(), free_ports(1)
    url = postgres.database() if postgres else ""
    settings = {
        "FILEHOST_STORAGE_KIND": "object",
        "FILEHOST_OBJECT_BUCKET": bucket,
        "FILEHOST_OBJECT_ENDPOINT": s3.endpoint,
        "FILEHOST_DATABASE_URL": url,
        "FILEHOST_OBJECT_MEMORY": memory,
        "FILEHOST_LOG_REQUESTS": "none",
    }
    environment = {**os.environ, **settings}
    program = [sys.executable, "-m", "filehost_dav"]
    subprocess.run(
        [*program, "user", "add", USER, "--data", str(data)],
        input=PASSWORD.encode(),
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )

    def fill(folder: str, files: int) -> None:
        database: Database = PostgresDatabase(url) if url else SqliteDatabase(data / "state.sqlite3")
        tree = ObjectStorage(database, Boto3Blobs(Bucket(bucket, s3.endpoint))).tree(USER)
        tree.make_folder(FilePath.parse(folder))
        tree.write(FilePath.parse(f"{folder}/0.txt"), Bytes(SMALL))
        with changing(database, USER, time.time_ns()) as change:
            _, first = change.find(FilePath.parse(f"{folder}/0.txt"))
            change.add_all(
                [first._replace(id=change.new_id(), name=f"{index}.txt") for index in range(1, files)]
            )
        database.close()

    with _running(name, [*program, "serve", "--data", str(data), "--port", str(port)], environment, port):
        yield Peer(name, port, fill)


@contextlib.contextmanager
def _running(name: str, command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError, RuntimeError):
                request(port, "OPTIONS", "/")
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"{name} does not serve")
        yield
    finally:
        process.terminate()
        process.wait(30)


def _in_threads(count: int, work: Callable[[int], None], hands: int = 8) -> None:
    threads = [
        threading.Thread(target=lambda start=start: [work(index) for index in range(start, count, hands)])  # type: ignore[misc]
        for start in range(hands)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def report(rounds: list[dict[str, Figures]]) -> None:
    peers = list(rounds[0])
    print("| | " + " | ".join(peers) + " |\n|" + "---|" * (len(peers) + 1))
    for work in rounds[0]["rclone"]:
        cells = []
        for peer in peers:
            ratios = [one[peer][work] / one["rclone"][work] for one in rounds]
            better = ratios if " connections" in work else [1 / ratio for ratio in ratios]
            unit = "/s" if " connections" in work else " s"
            middle = statistics.median(one[peer][work] for one in rounds)
            cells.append(f"{middle:.3g}{unit} ({statistics.median(better):.3g}x)")
        print(f"| {work} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--files", type=int, default=10_000, help="in the folder that is listed and moved; 0 leaves that out"
    )
    parser.add_argument("--memory", default="32 MiB", help="for small contents, in each process")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        home, s3, postgres = stack.enter_context(engines())
        peers = [
            stack.enter_context(rclone(s3)),
            stack.enter_context(filehost(s3, home, None, options.memory)),
            stack.enter_context(filehost(s3, home, postgres, options.memory)),
        ]
        rounds = []
        for number in range(options.rounds):
            turned = peers[number % len(peers) :] + peers[: number % len(peers)]
            found = {peer.name: measure(peer, number, options.files) for peer in turned}
            rounds.append({peer.name: found[peer.name] for peer in peers})
        report(rounds)


if __name__ == "__main__":
    main()
