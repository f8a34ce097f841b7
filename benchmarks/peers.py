"""The servers that are measured: how each is started on an empty folder, and where that folder's files lie.

Every peer has one user with a really hashed password and no access log; all listen on loopback.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

USER, PASSWORD = "bench", "correct horse battery"
REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class Place:
    """A running server: its port, the folder that shows at `/`, its process, seconds to its first answer."""

    port: int
    files: Path
    pid: int
    start: float

    @property
    def authorization(self) -> str:
        return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass(frozen=True)
class Peer:
    """`command(work, port)` starts it in the foreground; it serves `files` below the work folder."""

    name: str
    program: str
    command: Callable[[Path, int], list[str]]
    files: str = "files"
    environment: dict[str, str] = field(default_factory=dict)
    leaves_root: bool = False

    def is_available(self) -> bool:
        return shutil.which(self.program, path=_PATH) is not None

    @contextlib.contextmanager
    def running(self, work: Path) -> Iterator[Place]:
        """The server, from its start to its end."""
        (work / self.files).mkdir(parents=True, exist_ok=True)
        work.chmod(0o755)
        port = _free_port()
        command = self.command(work, port)
        if self.leaves_root:
            _give_away(work)
        environment = {**os.environ, "PATH": _PATH, "PYTHONPATH": str(REPOSITORY), **self.environment}
        began = time.monotonic()
        with (work / "output").open("wb") as output:
            process = subprocess.Popen(command, cwd=work, env=environment, stdout=output, stderr=output)
        try:
            seconds = _wait_for_answer(port, process, work / "output") - began
            yield Place(port, work / self.files, process.pid, seconds)
        finally:
            process.terminate()
            process.wait(30)


def _filehost(work: Path, port: int) -> list[str]:
    program = [sys.executable, "-m", "filehost_dav"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    arguments = [*program, "user", "add", USER, "--data", str(work)]
    subprocess.run(arguments, input=PASSWORD, text=True, check=True, env=environment, stdout=subprocess.DEVNULL)
    return [*program, "serve", "--data", str(work), "--port", str(port)]


def _from_template(template: str, *command: str) -> Callable[[Path, int], list[str]]:
    def prepare(work: Path, port: int) -> list[str]:
        subprocess.run(
            ["htpasswd", "-bc", str(work / "htpasswd"), USER, PASSWORD],
            check=True,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": _PATH},
        )
        text = (TEMPLATES / template).read_text()
        (work / template).write_text(text.replace("@work@", str(work)).replace("@port@", str(port)))
        return [*(part.replace("{work}", str(work)) for part in command), str(work / template)]

    return prepare


def _rclone(work: Path, port: int) -> list[str]:
    return ["rclone", "serve", "webdav", str(work / "files"), "--addr", f"127.0.0.1:{port}", "--user", USER,
            "--pass", PASSWORD, "--config", str(work / "none"), "-q"]  # fmt: skip


def _wsgidav(work: Path, port: int) -> list[str]:
    text = (TEMPLATES / "wsgidav.yaml").read_text()
    text = text.replace("@work@", str(work)).replace("@port@", str(port))
    (work / "wsgidav.yaml").write_text(text.replace("@user@", USER).replace("@password@", PASSWORD))
    return [
        sys.executable,
        "-m",
        "wsgidav.server.server_cli",
        "-c",
        str(work / "wsgidav.yaml"),
        "-q",
        "-q",
        "-q",
    ]


def _give_away(work: Path) -> None:
    """Servers that leave root behind must be able to write."""
    if os.geteuid() == 0 and shutil.which("chown"):
        subprocess.run(["chown", "-R", "www-data", str(work)], check=False, stderr=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_answer(port: int, process: subprocess.Popen[bytes], output: Path) -> float:
    """When the first request was answered, in seconds of the monotonic clock."""
    for _ in range(4000):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            if connection.recv(16).startswith(b"HTTP/1."):
                return time.monotonic()
        time.sleep(0.005)
    raise RuntimeError(f"does not answer: {output.read_text(errors='replace')[-500:]}")


_AS_PEERS = {"FILEHOST_STORAGE_DURABILITY": "none"}  # no peer waits for the disk
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

PEERS = {
    peer.name: peer
    for peer in (
        Peer("filehost", sys.executable, _filehost, f"files/{USER}"),
        Peer("filehost-fast", sys.executable, _filehost, f"files/{USER}", _AS_PEERS),
        Peer(
            "apache",
            "apache2",
            _from_template("apache.conf", "apache2", "-DFOREGROUND", "-f"),
            leaves_root=True,
        ),
        Peer("nginx", "nginx", _from_template("nginx.conf", "nginx", "-p", "{work}", "-c"), leaves_root=True),
        Peer("lighttpd", "lighttpd", _from_template("lighttpd.conf", "lighttpd", "-D", "-f"), leaves_root=True),
        Peer("rclone", "rclone", _rclone),
        Peer("wsgidav", sys.executable, _wsgidav),
    )
}
