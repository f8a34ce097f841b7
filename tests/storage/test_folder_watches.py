"""A folder whose generation is the same as before has not changed: whoever worked on it, however."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.clock import Clock

from filehost_dav.storage.local.folders import Folder
from filehost_dav.storage.local.watch import Watches

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")


@pytest.fixture
def watches() -> Iterator[Watches]:
    watches = Watches(Clock())
    yield watches
    watches.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("one")
    return folder


def generation(watches: Watches, folder: Path) -> object:
    found = looked_up(watches, folder)
    assert found is not None
    return found


def looked_up(watches: Watches, folder: Path) -> object:
    with Folder(os.open(folder, os.O_RDONLY)) as opened:
        return watches.generation(opened)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file is created": lambda folder: (folder / "b.txt").touch(),
    "a file is removed": lambda folder: (folder / "a.txt").unlink(),
    "a file is renamed": lambda folder: (folder / "a.txt").rename(folder / "b.txt"),
    "a file is replaced": lambda folder: replace(folder / "a.txt"),
    "a file is written in place": lambda folder: (folder / "a.txt").write_text("two"),
    "a file is made longer": lambda folder: append(folder / "a.txt"),
    "a file is cut": lambda folder: os.truncate(folder / "a.txt", 1),
    "a file's time is set": lambda folder: os.utime(folder / "a.txt", (1, 1)),
    "a file's mode is set": lambda folder: (folder / "a.txt").chmod(0o600),
    "a file's attribute is set": lambda folder: os.setxattr(folder / "a.txt", "user.x", b"1"),
    "the folder's time is set": lambda folder: os.utime(folder, (1, 1)),
    "a folder is made": lambda folder: (folder / "new").mkdir(),
    "a folder is removed": lambda folder: (folder / "sub").rmdir(),
    "a subfolder gets a member": lambda folder: (folder / "sub" / "x").touch(),
    "a subfolder's time is set": lambda folder: os.utime(folder / "sub", (1, 1)),
    "another program writes": lambda folder: subprocess.run(
        ["sh", "-c", f"echo x >> '{folder}/a.txt'"], check=True
    ),
}


def replace(file: Path) -> None:
    fresh = file.with_name("fresh")
    fresh.write_text("two")
    fresh.replace(file)


def append(file: Path) -> None:
    with file.open("a") as opened:
        opened.write("more")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_told_and_then_no_more(
    watches: Watches, folder: Path, change: Callable[[Path], object]
) -> None:
    before = generation(watches, folder)
    assert generation(watches, folder) == before
    change(folder)
    after = generation(watches, folder)
    assert after != before
    assert generation(watches, folder) == after


def test_a_subfolder_made_later_is_watched_too(watches: Watches, folder: Path) -> None:
    generation(watches, folder)
    (folder / "new").mkdir()
    before = generation(watches, folder)
    (folder / "new" / "x").touch()
    assert generation(watches, folder) != before


def test_reading_changes_nothing(watches: Watches, folder: Path) -> None:
    before = generation(watches, folder)
    (folder / "a.txt").read_text()
    os.listdir(folder / "sub")
    assert generation(watches, folder) == before


def test_another_folder_at_the_same_path_is_another(watches: Watches, folder: Path) -> None:
    before = generation(watches, folder)
    folder.rename(folder.with_name("old"))
    folder.mkdir()
    assert generation(watches, folder) != before


def test_a_folder_made_anew_on_the_same_inode_is_another(watches: Watches, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    for _ in range(20):
        folder.mkdir()
        before = generation(watches, folder)
        folder.rmdir()
        folder.mkdir()
        assert generation(watches, folder) != before
        folder.rmdir()


def test_an_overflowing_queue_is_taken_for_a_change(watches: Watches, folder: Path) -> None:
    before = generation(watches, folder)
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    file = folder / "a.txt"
    for number in range(limit + 10):
        os.utime(file, (number, number)) if number % 2 else file.chmod(0o600 + number % 4)
    after = generation(watches, folder)
    assert after != before
    assert generation(watches, folder) == after
    file.touch()
    assert generation(watches, folder) != after


def test_a_write_through_a_memory_map_is_seen_within_seconds(folder: Path) -> None:
    clock = Clock()
    watches = Watches(clock)
    before = generation(watches, folder)
    with (folder / "a.txt").open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[0] = ord("X")
    clock.now += 10
    assert generation(watches, folder) != before
    watches.close()


def test_a_fork_watches_for_itself(watches: Watches, folder: Path) -> None:
    before = generation(watches, folder)
    child = os.fork()
    if child == 0:
        told = generation(watches, folder)
        (folder / "by-child").touch()
        os._exit(0 if generation(watches, folder) != told else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert generation(watches, folder) != before


def test_what_is_no_folder_cannot_be_told(watches: Watches, folder: Path) -> None:
    assert looked_up(watches, folder / "a.txt") is None


def test_a_file_system_that_others_write_to_is_not_watched(watches: Watches) -> None:
    assert looked_up(watches, Path("/proc")) is None


def test_no_descriptor_is_left_open(folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    watches = Watches()
    generation(watches, folder)
    watches.close()
    assert len(os.listdir("/proc/self/fd")) == before
