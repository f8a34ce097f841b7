"""Two nodes beside one, on the same bucket and database, with users of their own.

    PYTHONPATH=tests python -m benchmarks.nodes [--rounds 5] [--share 0.2]

On a small machine everything else (S3, PostgreSQL, the load) needs processors too, and two nodes would
only fight over them. So each node is held to a share of one processor by the kernel (cpu cgroup, needs
root): what is compared is whether a second node of the same strength gives its strength, or whether
both wait for each other.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from testbed.processes import free_ports

from benchmarks.engines import engines

PASSWORD = "correct horse battery staple"
USERS = ("anna", "bert")
HANDS = 4  # connections of each user
SECONDS = 5.0
SMALL = b"x" * 4096
PERIOD = 20_000  # microseconds
Aim = tuple[str, int]  # a user, and the port of the node that serves it


@contextlib.contextmanager
def share_of_a_processor(name: str, share: float) -> Iterator[Path]:
    """A control group; whatever is written to its `cgroup.procs` is held to that share."""
    old = Path("/sys/fs/cgroup/cpu")
    group = (old if old.exists() else Path("/sys/fs/cgroup")) / name
    group.mkdir()
    quota = int(share * PERIOD)
    try:
        if old.exists():
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
        yield group
    finally:
        group.rmdir()


@contextlib.contextmanager
def node(home: Path, number: int, share: float) -> Iterator[int]:
    """A node with one worker; its port."""
    (port,) = free_ports(1)
    with share_of_a_processor(f"filehost-node-{os.getpid()}-{number}", share) as group:
        command = [sys.executable, "-m", "filehost_dav", "serve", "--data", str(home / f"node{number}")]
        process = subprocess.Popen(
            [*command, "--port", str(port)], stdout=subprocess.PIPE, start_new_session=True, text=True
        )
        try:
            assert process.stdout is not None
            while "Listening" not in (line := process.stdout.readline()):
                if not line:
                    raise RuntimeError("the node does not serve")
            for pid in _family(process.pid):
                (group / "cgroup.procs").write_text(str(pid))
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def rate(method: str, aims: list[Aim], number: int) -> float:
    """Requests a second of all users together."""
    counts: list[int] = []
    end = time.monotonic() + SECONDS

    def work(user: str, port: int, hand: int) -> None:
        fields = {"Authorization": "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        done = 0
        while time.monotonic() < end:
            name = f"/{number}-{hand}-{done}.txt" if method == "PUT" else f"/{hand}.txt"
            connection.request(method, name, SMALL if method == "PUT" else None, fields)
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {name}: {answer.status}")
            done += 1
        counts.append(done)
        connection.close()

    hands = [
        threading.Thread(target=work, args=(user, port, hand)) for user, port in aims for hand in range(HANDS)
    ]
    began = time.monotonic()
    for each in hands:
        each.start()
    for each in hands:
        each.join()
    if len(counts) != len(hands):
        raise RuntimeError("a connection broke")
    return sum(counts) / (time.monotonic() - began)


def measure(ports: list[int], rounds: int) -> None:
    one = [(user, ports[0]) for user in USERS]
    two = list(zip(USERS, ports, strict=True))
    for method in ("PUT", "GET"):
        ratios, singles, pairs = [], [], []
        for number in range(rounds):
            singles.append(rate(method, one, number * 2))
            pairs.append(rate(method, two, number * 2 + 1))
            ratios.append(pairs[-1] / singles[-1])
        figures = f"one node {statistics.median(singles):.0f}/s, two {statistics.median(pairs):.0f}/s"
        print(f"{method} 4 KiB: {figures}, ratio {statistics.median(ratios):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.2, help="of one processor, for each node")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        home, s3, postgres = stack.enter_context(engines())
        os.environ |= {
            "FILEHOST_STORAGE_KIND": "object",
            "FILEHOST_OBJECT_BUCKET": s3.bucket(),
            "FILEHOST_OBJECT_ENDPOINT": s3.endpoint,
            "FILEHOST_DATABASE_URL": postgres.database(),
            "FILEHOST_SERVER_WORKERS": "1",
            "FILEHOST_LOG_REQUESTS": "none",
        }
        for user in USERS:
            command = [sys.executable, "-m", "filehost_dav", "user", "add", user, "--data", str(home / "node0")]
            subprocess.run(command, input=PASSWORD.encode(), check=True, stdout=subprocess.DEVNULL)
        ports = [stack.enter_context(node(home, number, options.share)) for number in range(2)]
        for aim in [(user, port) for user in USERS for port in ports]:
            _prepare(*aim)
        measure(ports, options.rounds)


def _prepare(user: str, port: int) -> None:
    """Sign in, and put what will be got."""
    fields = {"Authorization": "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for hand in range(HANDS):
        connection.request("PUT", f"/{hand}.txt", SMALL, fields)
        connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    main()
