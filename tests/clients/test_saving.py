"""Programs save on a mounted drive while only listed types are allowed, and everything else is refused."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.dav import Client
from harness.drives import davfs2, rclone_mount, wait_until
from harness.server import Account, Server

pytestmark = pytest.mark.clients

_numbers = itertools.count(1)
PROGRAM = b"\x7fELF\x02\x01\x01" + b"\0" * 1000


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Account]]:
    """A server with the default policy."""
    server = Server(tmp_path_factory.mktemp("data"), {"FILEHOST_SERVER_WORKERS": "2"}).start()
    yield server, server.add_user("alice")
    server.stop()


@pytest.fixture(scope="module", params=["davfs2", "rclone"])
def drive(
    request: pytest.FixtureRequest,
    office: tuple[Server, Account],
    program: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("mounting needs root and /dev/fuse")
    server, account = office
    if request.param == "davfs2":
        drive = davfs2(server, account, program("mount.davfs"), tmp_path_factory.mktemp("davfs2"))
    else:
        drive = rclone_mount(server, account, program("rclone"), tmp_path_factory.mktemp("rclone"))
    with drive as place:
        yield place


@pytest.fixture
def folder(drive: Path) -> Path:
    """A folder of its own on the drive."""
    made = drive / f"folder {next(_numbers)}"
    made.mkdir()
    return made


@pytest.fixture
def disk(folder: Path, office: tuple[Server, Account]) -> Path:
    """The same folder on the server's disk."""
    server, account = office
    return server.files(account) / folder.name


def on_disk(disk: Path) -> dict[str, bytes]:
    if not disk.exists():
        return {}
    return {file.name: file.read_bytes() for file in disk.iterdir() if not file.name.startswith(".filehost")}


def arrives(disk: Path, files: dict[str, bytes]) -> None:
    wait_until(lambda: on_disk(disk) == files, f"{files} on the server's disk")


@pytest.mark.parametrize("pause", ["at once", "when the server has it"])
@pytest.mark.parametrize(
    "temporary", ["a.txt.XyZabc", ".a.txt.AbCdEf", ".goutputstream-A1B2C3", "a.txt.tmp", "a.txt~"]
)
def test_an_editor_saves_by_renaming(
    folder: Path, disk: Path, office: tuple[Server, Account], temporary: str, pause: str
) -> None:
    """What QSaveFile, GLib, rsync and most editors do."""
    file, beside = folder / "a.txt", folder / temporary
    file.write_bytes(b"first")
    arrives(disk, {"a.txt": b"first"})
    with beside.open("wb") as stream:
        stream.write(b"second, and longer")
        stream.flush()
        os.fsync(stream.fileno())
    if pause != "at once":
        with Client(*office) as client:
            address = f"/{folder.name}/{temporary}".replace(" ", "%20")
            wait_until(lambda: client.get(address).body == b"second, and longer", "the staged content")
        assert on_disk(disk) == {"a.txt": b"first"}
    beside.rename(file)
    arrives(disk, {"a.txt": b"second, and longer"})
    assert file.read_bytes() == b"second, and longer"


def test_an_editor_keeps_a_backup_while_it_saves(
    folder: Path, disk: Path, office: tuple[Server, Account]
) -> None:
    file = folder / "a.txt"
    file.write_bytes(b"first")
    arrives(disk, {"a.txt": b"first"})
    file.rename(folder / "a.txt~")
    file.write_bytes(b"second")
    arrives(disk, {"a.txt": b"second"})
    (folder / "a.txt~").unlink()
    with Client(*office) as client:

        def trashed() -> bool:
            paths = client.propfind("/.filehost/trash/").paths
            return b"first" in {client.get(path.replace(" ", "%20")).body for path in paths if "a (" in path}

        wait_until(trashed, "the old content in the trash")
    arrives(disk, {"a.txt": b"second"})


def test_vim_edits(folder: Path, disk: Path, program: Callable[[str], str]) -> None:
    (folder / "a.txt").write_bytes(b"one two\n")
    arrives(disk, {"a.txt": b"one two\n"})
    vim = [
        program("vim"),
        "-u",
        "NONE",
        "-es",
        "-c",
        "set backup writebackup",
        "-c",
        "%s/two/three/",
        "-c",
        "wq",
    ]
    subprocess.run([*vim, str(folder / "a.txt")], check=True, timeout=60, env={**os.environ, "TERM": "dumb"})
    arrives(disk, {"a.txt": b"one three\n"})


def test_mv_and_cp(folder: Path, disk: Path) -> None:
    (folder / "a.txt").write_bytes(b"words")
    subprocess.run(["mv", folder / "a.txt", folder / "b.txt"], check=True, timeout=60)
    subprocess.run(["cp", folder / "b.txt", folder / "c.txt"], check=True, timeout=60)
    arrives(disk, {"b.txt": b"words", "c.txt": b"words"})


def test_rsync_brings_a_tree(folder: Path, disk: Path, tmp_path: Path, program: Callable[[str], str]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(10):
        (source / f"file {number}.txt").write_bytes(b"content %d" % number)
    files = {file.name: file.read_bytes() for file in source.iterdir()}
    rsync = [program("rsync"), "-rt", f"{source}/"]
    subprocess.run([*rsync, f"{folder}/"], check=True, timeout=110)
    arrives(disk, files)
    (source / "file 3.txt").write_bytes(b"another content")
    subprocess.run([*rsync, f"{folder}/"], check=True, timeout=110)
    arrives(disk, files | {"file 3.txt": b"another content"})


def test_the_drive_shows_room(drive: Path) -> None:
    assert shutil.disk_usage(drive).total > 0


@pytest.mark.parametrize("name", ["evil.sh", "evil.txt.exe", "evil", "evil.sh~"])
def test_a_type_that_is_not_allowed_does_not_arrive(folder: Path, disk: Path, name: str) -> None:
    with contextlib.suppress(OSError):  # davfs2 is told when it makes the file; rclone when it sends it
        (folder / name).write_bytes(b"#!/bin/sh\n")
    (folder / "a.txt").write_bytes(b"allowed")
    arrives(disk, {"a.txt": b"allowed"})


def test_content_that_is_not_allowed_leaves_nothing_behind(folder: Path, disk: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / "evil.pdf").write_bytes(PROGRAM)
    (folder / "a.txt").write_bytes(b"allowed")
    arrives(disk, {"a.txt": b"allowed"})


# Not davfs2: with kernels of today it cannot list a folder, and LibreOffice wants to.
@pytest.mark.parametrize("drive", ["rclone"], indirect=True)
def test_libreoffice_converts_on_the_drive(
    folder: Path, disk: Path, program: Callable[[str], str], tmp_path: Path
) -> None:
    office = [program("soffice"), f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    (folder / "letter.txt").write_bytes(b"Dear reader")
    arrives(disk, {"letter.txt": b"Dear reader"})
    convert = [*office, "--convert-to", "docx", "--outdir", str(folder), str(folder / "letter.txt")]
    done = subprocess.run(convert, check=False, timeout=100, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: set(on_disk(disk)) == {"letter.txt", "letter.docx"}, "the converted letter")
    wait_until(lambda: on_disk(disk)["letter.docx"].startswith(b"PK"), "its content")
