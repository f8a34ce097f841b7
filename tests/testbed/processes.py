"""Starting a program of the test-bed, waiting until it serves, and ending it for sure."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HOST = "127.0.0.1"
READY = 60.0  # seconds an engine may take to serve, on a busy machine


class Missing(Exception):
    """A program of the test-bed is not installed; the message says how to get it."""


def program(name: str, *places: Path, hint: str) -> Path:
    """Where `name` is: in PATH, beside this Python, or in `places`. Raises Missing."""
    folders = [Path(sys.executable).parent, *places, *map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise Missing(f"{name} is missing: {hint}")


def free_port() -> int:
    """A port nobody listens on now."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    held = [socket.create_server((HOST, 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()


class Program:
    """One running program; its output goes to `log`."""

    def __init__(
        self,
        command: Sequence[object],
        log: Path,
        *,
        extra: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(extra or {})},
                cwd=log.parent,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Raises RuntimeError with the end of the log when it stops or does not serve in time."""
        end = time.monotonic() + READY
        while not ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{what} does not serve:\n{tail}")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a crash of the machine would."""
        self.end(signal.SIGKILL)

    def end(self, how: int = signal.SIGTERM) -> None:
        """Ask with the signal `how`, wait, and kill what does not end."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Let it hang: connections stay open and nothing answers."""
        self._tell_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._tell_all(signal.SIGCONT)

    def _tell_all(self, what: int) -> None:
        # The program itself first: it starts no more of its own then.
        self._process.send_signal(what)
        command = ["ps", "-o", "pid=", "--ppid", str(self._process.pid)]
        for child in subprocess.run(command, capture_output=True, check=False).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), what)
