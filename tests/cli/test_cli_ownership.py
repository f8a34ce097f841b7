"""Root at work on a service's data: whatever it does, all that it leaves belongs to the service."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.server import environment

SERVICE = 10_077  # a user that need not have a name

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another"
)


@pytest.fixture
def data() -> Iterator[Path]:
    """The data folder of a service, in a place that its user can reach."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "data"
        folder.mkdir(mode=0o700)
        os.chown(folder, SERVICE, SERVICE)
        yield folder


def is_open_to_all(program: Path) -> bool:
    return all(place.stat().st_mode & 0o005 == 0o005 for place in (program, *program.parents))


@pytest.fixture(scope="module")
def python() -> str:
    """A Python of this version that another user can run."""
    for program in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        if Path(program).exists() and is_open_to_all(Path(program).resolve()):
            return program
    pytest.skip("this Python is for root alone")


def as_root(python: str, *arguments: str | Path, stdin: str = "") -> str:
    settings = environment()
    settings["PYTHONPATH"] += os.pathsep + sysconfig.get_path("purelib")
    done = subprocess.run(
        [python, "-m", "filehost_dav", *arguments],
        input=stdin,
        env=settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


def test_what_root_does_belongs_to_the_service(data: Path, python: str) -> None:
    place = ("--data", data)
    as_root(python, "user", "add", "anna", *place, stdin="secret")
    files = data / "files" / "anna"
    files.mkdir(parents=True)
    (files / "a.txt").write_text("by hand")
    for path in (data / "files", files, files / "a.txt"):
        os.chown(path, SERVICE, SERVICE)
    as_root(python, "app-password", "add", "anna", "phone", *place)
    as_root(python, "user", "passwd", "anna", *place, stdin="another")
    for words in (["check", "--repair"], ["check", "--checksums"], ["status"], ["trash", "list", "anna"]):
        as_root(python, *words, *place)
    assert owners(data) == {SERVICE}


def test_a_backup_and_what_is_restored_and_exported_belong_to_it_too(data: Path, python: str) -> None:
    as_root(python, "user", "add", "anna", "--data", data, stdin="secret")
    backup, exported = data.parent / "backup", data.parent / "exported"
    as_root(python, "backup", backup, "--data", data)
    as_root(python, "export", "anna", exported, "--data", data)
    assert owners(backup) == owners(exported) == {SERVICE}
    again = data.parent / "again"  # on another machine, where nothing is yet
    as_root(python, "restore", backup, "--data", again)
    assert owners(again) == {SERVICE}


def test_a_file_that_was_left_by_root_is_found(data: Path, python: str) -> None:
    as_root(python, "user", "add", "anna", "--data", data, stdin="secret")
    (data / "left.txt").write_text("by a careless hand")
    with pytest.raises(AssertionError, match=r"left\.txt belongs to another user"):
        as_root(python, "check", "--data", data)
