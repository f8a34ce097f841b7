"""The servers that are measured: how each is started on an empty folder, and where that folder's files lie.

Every peer has one user with a really hashed password and no access log; all listen on loopback. In the
templates a line that begins with `#tls ` counts when TLS is wanted.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

USER, PASSWORD = "bench", "correct horse battery"
REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).resolve().parent / "templates"


MIB = 1 << 20


@dataclass(frozen=True)
class Scale:
    """How much is asked: seconds of each rate, bytes of a large file, files that rclone copies."""

    seconds: int = 3
    large: int = 1024 * MIB
    files: int = 2000


@dataclass(frozen=True)
class Place:
    """A running server: its port, the folder that shows at `/`, its process, seconds to its first answer."""

    port: int
    files: Path
    pid: int
    start: float
    scale: Scale
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def give(self, path: Path) -> None:
        """Give it, with all below it, to the owner of the served folder: some servers have left root behind."""
        owner = path.parent.stat()
        for each in (path, *path.rglob("*")):
            os.chown(each, owner.st_uid, owner.st_gid)

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
    groups: tuple[str, ...] = ()
    """The groups of work it is measured in; none stands for all."""

    def is_available(self) -> bool:
        return shutil.which(self.program, path=PATH) is not None

    @contextlib.contextmanager
    def running(self, work: Path, scale: Scale, *, tls: bool = False) -> Iterator[Place]:
        """The server, from its start to its end."""
        (work / self.files).mkdir(parents=True, exist_ok=True)
        work.chmod(0o755)
        if tls:
            _make_certificate(work)
        port = _free_port()
        command = self.command(work, port)
        if self.leaves_root:
            _give_away(work)
        environment = {**os.environ, "PATH": PATH, "PYTHONPATH": str(REPOSITORY), **self.environment}
        began = time.monotonic()
        with (work / "output").open("wb") as output:
            process = subprocess.Popen(command, cwd=work, env=environment, stdout=output, stderr=output)
        try:
            seconds = _wait_for_answer(port, process, work / "output", tls=tls) - began
            scheme = "https" if tls else "http"
            yield Place(port, work / self.files, process.pid, seconds, scale, scheme)
        finally:
            process.terminate()
            process.wait(30)


def _filehost(work: Path, port: int) -> list[str]:
    program = [sys.executable, "-m", "filehost_dav"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    arguments = [*program, "user", "add", USER, "--data", str(work)]
    subprocess.run(arguments, input=PASSWORD, text=True, check=True, env=environment, stdout=subprocess.DEVNULL)
    (work / "bench.toml").write_text(
        '[tls]\ncertificate = "certificate.pem"\nkey = "key.pem"\n' if _has_certificate(work) else ""
    )
    config = ["--config", str(work / "bench.toml")]
    return [*program, "serve", *config, "--data", str(work), "--port", str(port)]


def _from_template(template: str, *command: str) -> Callable[[Path, int], list[str]]:
    def prepare(work: Path, port: int) -> list[str]:
        subprocess.run(
            ["htpasswd", "-bc", str(work / "htpasswd"), USER, PASSWORD],
            check=True,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": PATH},
        )
        (work / template).write_text(_filled(template, work, port))
        return [*(part.replace("{work}", str(work)) for part in command), str(work / template)]

    return prepare


def _rclone(work: Path, port: int) -> list[str]:
    files = ["--cert", str(work / "certificate.pem"), "--key", str(work / "key.pem")]
    secure = files if _has_certificate(work) else []
    return ["rclone", "serve", "webdav", str(work / "files"), "--addr", f"127.0.0.1:{port}", "--user", USER,
            "--pass", PASSWORD, "--config", str(work / "none"), "-q", *secure]  # fmt: skip


def _wsgidav(work: Path, port: int) -> list[str]:
    text = _filled("wsgidav.yaml", work, port)
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


def _filled(template: str, work: Path, port: int) -> str:
    text = (TEMPLATES / template).read_text()
    tls = _has_certificate(work)
    text = text.replace("#tls ", "") if tls else text
    return (
        text.replace("@work@", str(work)).replace("@port@", str(port)).replace("@ssl@", " ssl" if tls else "")
    )


def _make_certificate(work: Path) -> None:
    """An elliptic key, a certificate for it, and both in one file for those who want that."""
    names = ["-keyout", str(work / "key.pem"), "-out", str(work / "certificate.pem")]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run(["openssl", "req", "-x509", *kind, *names], check=True, stderr=subprocess.DEVNULL)
    both = (work / "certificate.pem").read_bytes() + (work / "key.pem").read_bytes()
    (work / "both.pem").write_bytes(both)


def _has_certificate(work: Path) -> bool:
    return (work / "certificate.pem").exists()


def _give_away(work: Path) -> None:
    """Servers that leave root behind must be able to write."""
    if os.geteuid() == 0 and shutil.which("chown"):
        subprocess.run(["chown", "-R", "www-data", str(work)], check=False, stderr=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def trusting() -> ssl.SSLContext:
    """TLS as a client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _wait_for_answer(port: int, process: subprocess.Popen[bytes], output: Path, *, tls: bool) -> float:
    """When the first request was answered, in seconds of the monotonic clock."""
    for _ in range(4000):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as plain:
            connection = trusting().wrap_socket(plain) if tls else plain
            connection.sendall(b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            if connection.recv(16).startswith(b"HTTP/1."):
                return time.monotonic()
        time.sleep(0.005)
    raise RuntimeError(f"does not answer: {output.read_text(errors='replace')[-500:]}")


# What is installed beside this Python comes first: of rclone that is a newer one than most systems have.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
_SILENT = {"FILEHOST_LOG_REQUESTS": "none"}  # as all peers
_AS_PEERS = {**_SILENT, "FILEHOST_STORAGE_DURABILITY": "none"}  # no peer waits for the disk

PEERS = {
    peer.name: peer
    for peer in (
        # As it comes, every upload is on the disk before it is answered: shown where that counts.
        Peer("filehost", sys.executable, _filehost, f"files/{USER}", _SILENT, groups=("put", "session")),
        # Without word from the system every entry of a listing is looked at each time, as peers do.
        Peer(
            "filehost-looking",
            sys.executable,
            _filehost,
            f"files/{USER}",
            {**_AS_PEERS, "FILEHOST_STORAGE_WATCH": "false"},
            groups=("list",),
        ),
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
