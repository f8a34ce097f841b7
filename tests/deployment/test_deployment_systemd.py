"""systemd: its units judged by it, sockets handed over as it does, and what it hears from the server."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from harness.server import PROGRAM, Server, environment, run

from filehost_dav.http.systemd import inherited

UNITS = Path(__file__).resolve().parents[2] / "docs" / "deployment" / "systemd"
LIVE = "/.filehost/health/live"

StartServer = Callable[..., Server]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is of Linux")


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with a program that is there."""
    copies = []
    for unit in sorted([*UNITS.glob("*.service"), *UNITS.glob("*.socket")]):
        copies.append(tmp_path / unit.name)
        copies[-1].write_text(unit.read_text().replace("/opt/filehost-dav/bin/filehost-dav", "/bin/true"))
    return copies


def output(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.clients
def test_systemd_accepts_the_units_and_finds_the_service_hardened(units: list[Path]) -> None:
    assert len(units) == 3
    assert output(need("systemd-analyze"), "verify", *units) == ""
    service = next(unit for unit in units if unit.suffix == ".service")
    said = output("systemd-analyze", "security", "--offline=true", "--no-pager", service)
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert score is not None
    assert float(score[1]) <= 1.5


@pytest.mark.clients
def test_the_first_request_starts_the_server(tmp_path: Path) -> None:
    activate = need("systemd-socket-activate")
    with listening() as sock:
        port = sock.getsockname()[1]
    env = environment({"FILEHOST_SERVER_WORKERS": "1"})
    passed = [word for name in env for word in ("-E", name)]
    command = [activate, "-l", f"127.0.0.1:{port}", *passed, *PROGRAM, "serve", "--data", str(tmp_path / "d")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        until(lambda: "Listening on" in (tmp_path / "log").read_text())
        assert not (tmp_path / "d").exists()  # systemd's program listens; ours has not begun
        assert status(port) == 200
        assert f"Listening on http://127.0.0.1:{port}/" in (tmp_path / "log").read_text()
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_a_restart_loses_no_client(start_server: StartServer) -> None:
    with listening() as sock:
        port = sock.getsockname()[1]
        answers: list[int] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                answers.append(status(port))

        first = start_server(sockets=[("filehost-dav.socket", sock)])
        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        assert first.stop() == 0
        before = len(answers)
        second = start_server(sockets=[("filehost-dav.socket", sock)])
        until(lambda: len(answers) > before + 20)
        stop.set()
        for client in clients:
            client.join()
        assert second.port == port
        assert set(answers) == {200}


def test_several_sockets_are_served_and_one_named_redirect_leads_to_https(start_server: StartServer) -> None:
    with listening() as one, listening() as two, listening() as plain:
        first, second, http = (sock.getsockname()[1] for sock in (one, two, plain))
        sockets = [("web", one), ("redirect", plain), ("", two)]
        server = start_server("--tls", "self-signed", sockets=sockets)
        assert f"Listening on https://127.0.0.1:{first}/\n" in server.log
        server.wait_for_log(f"Listening on https://127.0.0.1:{second}/\n")
        trusting = ssl.create_default_context(cafile=str(server.data / "tls" / "certificate.pem"))
        for port in (first, second):
            with (
                socket.create_connection(("127.0.0.1", port), timeout=10) as sock,
                trusting.wrap_socket(sock, server_hostname="localhost") as secure,
            ):
                secure.sendall(f"GET {LIVE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert secure.recv(100).startswith(b"HTTP/1.1 200 ")
        assert status(http) == 308


def test_a_socket_to_redirect_needs_a_certificate(tmp_path: Path) -> None:
    with listening() as plain, pytest.raises(RuntimeError, match="redirects to HTTPS"):
        Server(tmp_path / "data", sockets=[("redirect", plain)]).start()


def test_a_socket_that_does_not_listen_is_refused_in_words(tmp_path: Path) -> None:
    with socket.socket() as idle, pytest.raises(RuntimeError, match="none to listen on"):
        Server(tmp_path / "data", sockets=[("web", idle)]).start()


def test_sockets_for_another_process_are_left_alone() -> None:
    variables = {"LISTEN_PID": str(os.getppid()), "LISTEN_FDS": "1"}
    assert inherited(variables) == []
    assert variables == {}


def test_systemd_hears_how_it_is(start_server: StartServer, tmp_path: Path) -> None:
    with heard(tmp_path) as (settings, hear):
        server = start_server(**settings)
        hear("READY=1")
        server.process.send_signal(signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", hear("RELOADING=1"))
        hear("READY=1")
        server.stop()
        hear("STOPPING=1")


def test_the_watchdog_hears_of_it_while_workers_are_there(start_server: StartServer, tmp_path: Path) -> None:
    with heard(tmp_path) as (settings, hear):
        start_server(**settings, WATCHDOG_USEC="200000")
        for _ in range(3):
            hear("WATCHDOG=1")


def test_a_watchdog_of_another_process_hears_nothing(start_server: StartServer, tmp_path: Path) -> None:
    with heard(tmp_path) as (settings, hear):
        server = start_server(**settings, WATCHDOG_USEC="20000", WATCHDOG_PID="1")
        hear("READY=1")
        server.stop()
        hear("STOPPING=1", skipping=False)


@contextmanager
def heard(folder: Path) -> Iterator[tuple[dict[str, str], Callable[..., str]]]:
    """The setting that names systemd's ear, and what it hears: the next message with these words."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(folder / "notify"))
        systemd.settimeout(20)

        def hear(words: str, *, skipping: bool = True) -> str:
            message = systemd.recv(200).decode()
            while skipping and words not in message:
                message = systemd.recv(200).decode()
            assert words in message
            return message

        yield {"NOTIFY_SOCKET": str(folder / "notify")}, hear


def test_users_are_added_beside_it_whatever_systemd_has_set(tmp_path: Path) -> None:
    """The commands take no sockets and are no service."""
    settings = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "NOTIFY_SOCKET": str(tmp_path / "nobody")}
    run("user", "add", "anna", "--data", str(tmp_path / "d"), stdin="secret", settings=settings)


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def status(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", LIVE)
        return connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise AssertionError(f"a client was turned away: {error!r}") from error
    finally:
        connection.close()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.clients
def test_the_commands_of_the_page_install_the_units_on_a_machine_that_has_nothing(tmp_path: Path) -> None:
    need("systemd-sysusers")
    page = (UNITS.parent / "README.md").read_text()
    block = page.partition("```sh\n")[2].partition("```")[0]
    commands = [line for line in block.splitlines() if line.startswith(("cd ", "install "))]
    assert len(commands) == 4
    root = tmp_path / "root"
    (root / "etc" / "systemd" / "system").mkdir(parents=True)
    script = "\n".join(commands).replace("/etc/", f"{root}/etc/")
    script = script.replace("systemd-sysusers", f"systemd-sysusers --root={root}")
    subprocess.run(["sh", "-eu", "-c", script], cwd=UNITS.parents[2], check=True, timeout=30)
    for name in ("systemd/system/filehost-dav.service", "filehost-dav/filehost.toml"):
        assert (root / "etc" / name).stat().st_mode & 0o777 == 0o644
    assert "filehost-dav:" in (root / "etc" / "passwd").read_text()
