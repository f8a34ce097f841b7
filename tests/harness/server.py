"""A real server in its own processes, on a free loopback port, with a data folder of its own."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from testbed import elsewhere

from filehost_dav.cli import main
from harness import leaks, ways
from harness.ways import PROGRAM

REPOSITORY = Path(__file__).resolve().parents[2]
_LISTENING = re.compile(r"Listening on (https?)://[^\s/]*:(\d+)")
START = 20.0  # seconds a server may take to listen, on a busy machine
STOP = 10.0  # seconds an orderly end may take


@dataclass(frozen=True)
class Account:
    """A user and the password that signs in."""

    name: str
    password: str

    def __post_init__(self) -> None:
        leaks.remember_pair(self.name, self.password)

    @property
    def auth(self) -> tuple[str, str]:
        return (self.name, self.password)


@dataclass
class Server:
    """`filehost-dav serve` on `data`, with `settings` as environment (FILEHOST_…) and extra `options`.

    `sockets` are handed over by name, as systemd does.
    """

    data: Path
    settings: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    way: str = ways.CHOSEN[0]
    sockets: Sequence[tuple[str, socket.socket]] = ()

    def __post_init__(self) -> None:
        self.settings = {**ways.settings(self.way), **elsewhere.settings(self.data), **self.settings}
        leaks.remember_fields(self.settings)

    def start(self) -> Server:
        """Start, wait until it listens. Raises RuntimeError with the output when it does not."""
        command = [*ways.command(self.way), "serve", "--data", str(self.data), "--port", "0", *self.options]
        descriptors = [sock.fileno() for _, sock in self.sockets]
        if descriptors:
            names = ":".join(name for name, _ in self.sockets)
            command = [sys.executable, "-c", _HAND_OVER, names, ",".join(map(str, descriptors)), *command]
        self.process = subprocess.Popen(
            command,
            env=environment(self.settings),
            pass_fds=descriptors,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output: list[str] = []
        found: queue.Queue[tuple[str, int] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(found,), daemon=True)
        self._reader.start()
        try:
            place = found.get(timeout=START)
        except queue.Empty:
            place = None
        if place is None:
            self.kill()
            raise RuntimeError("the server does not listen:\n" + "".join(self.output))
        self.scheme, self.port = place
        return self

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        """The certificate it made for itself, where it serves over TLS."""
        return self.data / "tls" / "certificate.pem"

    @property
    def log(self) -> str:
        """Everything the server has printed so far."""
        return "".join(self.output)

    def files(self, user: str | Account) -> Path:
        """Where that user's files lie on disk. Skips the test where they are not on the disk."""
        if elsewhere.KIND != "local":
            pytest.skip("the files are not plain files here")
        return self.data / "files" / (user.name if isinstance(user, Account) else user)

    def add_user(self, name: str, *options: str, password: str = "correct horse battery") -> Account:
        """A new account, made by the command line, in this process: there is one for each of many tests."""
        arguments = ["user", "add", name, *options, "--data", str(self.data)]
        given = {**CHEAP, **self.settings}
        done = CliRunner(env=given).invoke(main, arguments, input=password, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return Account(name, password)

    def peak_memory(self) -> int:
        """The most bytes of memory that each of its processes ever had, or since `forget_peak`, together.

        Of Linux. Memory that they share is counted for each of them: only the growth tells something.
        """
        return sum(map(_high_water, self._processes()))

    def forget_peak(self) -> None:
        """That of a sign-in, say, which takes more than most requests."""
        for pid in self._processes():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def _processes(self) -> list[str]:
        parent = self.process.pid
        return [str(parent), *Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]

    def stop(self) -> int:
        """End by SIGTERM; the exit code. Raises TimeoutExpired when it does not end in time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._reader.join(STOP)
        if audit := self.settings.get("FILEHOST_LOG_AUDIT"):
            leaks.keep(Path(audit))
        return code

    def kill(self) -> None:
        """End the parent and every worker at once, as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP)

    def wait_for_log(self, text: str, seconds: float = 5.0) -> None:
        """Wait until the server has printed `text`. Raises AssertionError when it does not."""
        end = time.monotonic() + seconds
        while text not in self.log:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} is not in the log:\n{self.log}")
            time.sleep(0.02)

    def _read(self, found: queue.Queue[tuple[str, int] | None]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines, leaks.log_file().open("w") as log:
            for line in lines:
                self.output.append(line)
                log.write(line)
                if match := _LISTENING.search(line):
                    found.put((match[1], int(match[2])))
        found.put(None)


# What systemd does before it starts a service: sd_listen_fds(3).
_HAND_OVER = """
import os, sys
names, given, *command = sys.argv[1:]
high = [os.dup2(int(given), 100 + place) for place, given in enumerate(given.split(","))]
for place, descriptor in enumerate(high):
    os.dup2(descriptor, 3 + place)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""


def _high_water(pid: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def environment(settings: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of this process without its own FILEHOST_ settings, with these instead."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("FILEHOST_")}
    path = os.pathsep.join(filter(None, (str(REPOSITORY), str(REPOSITORY / "tests"), own.get("PYTHONPATH"))))
    return {**own, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **CHEAP, **(settings or {})}


# Password hashes that cost next to nothing: their cost is tested where it is made.
CHEAP = {"FILEHOST_ACCOUNTS_ARGON2_MEMORY": "64 KiB", "FILEHOST_ACCOUNTS_ARGON2_ROUNDS": "1"}


def run(
    *arguments: str, stdin: str = "", settings: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end. Raises AssertionError with the output when it fails."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        input=stdin,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    if arguments[:2] == ("app-password", "add"):
        leaks.remember(done.stdout.strip())
    return done
