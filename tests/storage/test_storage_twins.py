"""Names that differ by case alone are found in folders of any size, whoever made them."""

from __future__ import annotations

import errno
import multiprocessing
from pathlib import Path

import pytest
from testbed.bodies import Bytes

from filehost_dav.errors import Refused
from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import Policy
from filehost_dav.storage.home import Home
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.local.folders import Folder
from filehost_dav.storage.local.inotify import Queue
from filehost_dav.storage.local.twins import Twins
from filehost_dav.storage.tree import Tree

at = FilePath.parse


def test_a_twin_is_a_name_of_the_same_folder_in_other_case(tree: Tree) -> None:
    tree.make_folder(at("/docs"))
    tree.write(at("/docs/Report.txt"), Bytes(b"x"))
    assert tree.twin(at("/docs/report.TXT")) == "Report.txt"
    assert tree.twin(at("/docs/Report.txt")) is None
    assert tree.twin(at("/docs/other.txt")) is None
    assert tree.twin(at("/report.txt")) is None
    assert tree.twin(at("/nowhere/report.txt")) is None


def test_a_twin_follows_every_change(tree: Tree) -> None:
    tree.write(at("/Straße.txt"), Bytes(b"x"))
    assert tree.twin(at("/STRASSE.txt")) == "Straße.txt"
    tree.move(at("/Straße.txt"), at("/weg.txt"))
    assert tree.twin(at("/STRASSE.txt")) is None
    assert tree.twin(at("/WEG.txt")) == "weg.txt"
    tree.delete(at("/weg.txt"))
    assert tree.twin(at("/WEG.txt")) is None


def test_what_another_program_does_on_the_disk_is_seen(tmp_path: Path) -> None:
    tree = LocalStorage(tmp_path).tree("u")
    folder = tmp_path / "files" / "u"
    assert tree.twin(at("/A.txt")) is None
    (folder / "a.txt").write_text("x")
    assert tree.twin(at("/A.txt")) == "a.txt"
    (folder / "a.txt").rename(folder / "b.txt")
    assert tree.twin(at("/A.txt")) is None
    assert tree.twin(at("/B.txt")) == "b.txt"
    (folder / "b.txt").unlink()
    assert tree.twin(at("/B.txt")) is None


def test_without_word_from_the_kernel_names_are_read_anew(tmp_path: Path) -> None:
    twins, inode = Twins(_no_queue), tmp_path.stat().st_ino
    assert twins.of(inode, lambda: Folder.at(tmp_path), "A.txt") is None
    (tmp_path / "a.txt").write_text("x")
    assert twins.of(inode, lambda: Folder.at(tmp_path), "A.txt") == "a.txt"


@pytest.mark.parametrize("round_", range(10))
def test_of_two_processes_that_make_twins_one_is_refused(tmp_path: Path, round_: int) -> None:
    LocalStorage(tmp_path).tree("u")
    start = multiprocessing.get_context("fork").Barrier(2)
    results = multiprocessing.get_context("fork").Queue()
    racers = [
        multiprocessing.get_context("fork").Process(target=_make, args=(tmp_path, name, start, results))
        for name in ("/Twin.txt", "/tWIN.txt")
    ]
    for racer in racers:
        racer.start()
    outcomes = sorted(results.get(timeout=20) for _ in racers)
    for racer in racers:
        racer.join()
    assert outcomes == ["made", "refused"]


def _make(root: Path, name: str, start: object, results: object) -> None:
    home = Home(LocalStorage(root).tree("u"), Policy())
    start.wait()  # type: ignore[attr-defined]
    try:
        home.write(at(name), Bytes(b"x"))
        results.put("made")  # type: ignore[attr-defined]
    except Refused:
        results.put("refused")  # type: ignore[attr-defined]


def _no_queue() -> Queue:
    raise OSError(errno.ENOSYS, "no inotify here")
