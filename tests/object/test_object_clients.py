"""Clients on object storage, with a real S3 engine and both databases: rclone, a drive by davfs2, litmus."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.dav import Client
from harness.drives import davfs2, wait_until
from harness.server import Account, Server
from testbed.seaweedfs import S3

pytestmark = [pytest.mark.clients, pytest.mark.s3, pytest.mark.slow]
DATABASES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))
Home = tuple[Server, Account]


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module", params=DATABASES)
def home(request: pytest.FixtureRequest, s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    settings = {
        **s3.environment,
        "FILEHOST_STORAGE_KIND": "object",
        "FILEHOST_OBJECT_BUCKET": s3.bucket(),
        "FILEHOST_OBJECT_ENDPOINT": s3.endpoint,
        "FILEHOST_SERVER_WORKERS": "2",
        "FILEHOST_POLICY_EXTENSIONS": "*",
    }
    if request.param == "postgres":
        settings["FILEHOST_DATABASE_URL"] = request.getfixturevalue("postgres").database()
    server = Server(tmp_path_factory.mktemp("clients") / "data", settings).start()
    yield server, server.add_user("alice")
    server.stop()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """300 files; one is sent in parts."""
    for number in range(299):
        folder = tmp_path / "documents" / f"folder {number % 12:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"fil é {number:03}.txt").write_bytes(f"content {number}\n".encode() * (number % 50))
    (tmp_path / "documents" / "large.bin").write_bytes(os.urandom(20 << 20))
    return tmp_path / "documents"


def test_rclone_syncs_copies_and_moves(home: Home, documents: Path, tmp_path: Path) -> None:
    server, account = home
    binary = program("rclone")
    secret = subprocess.run([binary, "obscure", account.password], capture_output=True, text=True, check=True)
    remote = f":webdav,url='{server.url}',user={account.name},pass={secret.stdout.strip()},vendor=owncloud:"

    fast = {**os.environ, "RCLONE_WEBDAV_PACER_MIN_SLEEP": "0"}

    def rclone(*arguments: str) -> None:
        command = [binary, *arguments, "--config", "/dev/null"]
        done = subprocess.run(command, env=fast, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    rclone("sync", str(documents), f"{remote}docs", "--transfers", "8")
    (documents / "folder 01" / "new.txt").write_text("new")
    (documents / "folder 00" / "fil é 000.txt").unlink()
    rclone("sync", str(documents), f"{remote}docs")
    rclone("check", "--download", str(documents), f"{remote}docs")
    rclone("move", f"{remote}docs/folder 02", f"{remote}moved")
    rclone("check", str(documents / "folder 02"), f"{remote}moved")
    rclone("copy", f"{remote}docs", str(tmp_path / "back"))
    shutil.rmtree(documents / "folder 02")
    rclone("check", str(documents), str(tmp_path / "back"))


def test_a_mounted_drive_takes_files_edits_and_renames(home: Home, documents: Path, tmp_path: Path) -> None:
    server, account = home
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("mounting needs root and /dev/fuse")
    (tmp_path / "drive").mkdir()
    with (
        davfs2(server, account, program("mount.davfs"), tmp_path / "drive") as mount,
        Client(server, account) as client,
    ):
        (mount / "drive").mkdir()
        shutil.copy(documents / "large.bin", mount / "drive" / "large.bin")
        (mount / "drive" / "draft.txt").write_text("a draft")
        (mount / "drive" / "draft.txt").rename(mount / "drive" / "final.txt")
        wait_until(lambda: client.names("/drive") == {"large.bin", "final.txt"})
        wait_until(lambda: client.get("/drive/large.bin").body == (documents / "large.bin").read_bytes())
        wait_until(lambda: client.get("/drive/final.txt").body == b"a draft")


def test_litmus_passes(home: Home, tmp_path: Path) -> None:
    server, account = home
    environment = {"TESTS": "basic copymove props locks http", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [program("litmus"), "-k", server.url + "/", *account.auth]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    results = re.findall(r"of (\d+) tests run: (\d+) passed, (\d+) failed", done.stdout)
    assert sum(int(count) for count, _, _ in results) == 104, done.stdout
    assert all(failed == "0" for _, _, failed in results), done.stdout
