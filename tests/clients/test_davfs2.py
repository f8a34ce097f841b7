"""davfs2: the folder mounted as a drive; programs on the machine work in it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.drives import davfs2, wait_until
from harness.server import Account, Server

pytestmark = pytest.mark.clients


@pytest.fixture
def mount(home: tuple[Server, Account], program: Callable[[str], str], tmp_path: Path) -> Iterator[Path]:
    """The user's folder as a mounted drive."""
    server, account = home
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        pytest.skip("mounting needs root and /dev/fuse")
    with davfs2(server, account, program("mount.davfs"), tmp_path) as place:
        yield place


def test_a_mounted_drive_takes_a_tree_edits_and_renames(
    mount: Path, home: tuple[Server, Account], documents: Path
) -> None:
    source = documents / "odd names"
    shutil.copytree(source, mount / "docs")
    (mount / "docs" / "blank in it.txt").write_text("edited")
    (mount / "docs" / "hash#tag.txt").rename(mount / "docs" / "renamed.txt")
    (mount / "docs" / "plus+plus.txt").unlink()
    expected = _checksums(source) - {("plus+plus.txt", _sum((source / "plus+plus.txt").read_bytes()))}
    expected -= {(name, _sum((source / name).read_bytes())) for name in ("blank in it.txt", "hash#tag.txt")}
    expected |= {
        ("blank in it.txt", _sum(b"edited")),
        ("renamed.txt", _sum((source / "hash#tag.txt").read_bytes())),
    }
    server, account = home
    wait_until(lambda: _checksums(server.files(account) / "docs") == expected)
    # By name, not by listing: on new kernels davfs2 fails every readdir, whatever the server.
    assert {(name, _sum((mount / "docs" / name).read_bytes())) for name, _ in expected} == expected


def test_a_file_saved_through_a_temporary_name_arrives_whole(mount: Path, home: tuple[Server, Account]) -> None:
    (mount / "report.txt").write_text("first")
    temporary = mount / "report.txt.AbCdEf"
    temporary.write_text("second, and longer")
    temporary.replace(mount / "report.txt")
    server, account = home
    file = server.files(account) / "report.txt"
    wait_until(lambda: file.exists() and file.read_text() == "second, and longer")


def _checksums(folder: Path) -> set[tuple[str, str]]:
    names = folder.iterdir() if folder.exists() else ()
    return {(file.name, _sum(file.read_bytes())) for file in names if not file.name.startswith(".filehost")}


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
