"""What goes wrong on disks: each fault has its own answer, loses no byte and leaves nothing behind."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.trees import Bytes, at, names, put, read, tree_of

from filehost_dav.errors import (
    BadPath,
    Exists,
    FilehostError,
    Full,
    IntoItself,
    IsAFolder,
    NotAFolder,
    NotFound,
    ParentMissing,
    QuotaExceeded,
    Truncated,
    Unavailable,
)
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.local.faults import Translated
from filehost_dav.storage.local.rules import Retention
from filehost_dav.storage.tree import Tree

MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=300", "tmpfs", str(place)], check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def full(small_disk: Path) -> Iterator[Tree]:
    """A tree on the small disk."""
    storage = LocalStorage(small_disk, durability="data")
    yield storage.tree("alice")
    storage.close()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    storage = LocalStorage(tmp_path, durability="none")
    yield storage.tree("alice")
    storage.close()


def leftovers(root: Path) -> list[str]:
    """Temporary files of ours anywhere below."""
    return [path.name for path in root.rglob(".filehost-*") if not path.name.endswith("journal")]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOENT, NotFound),
        (errno.ELOOP, NotFound),
        (errno.ENOTDIR, NotAFolder),
        (errno.EISDIR, IsAFolder),
        (errno.EEXIST, Exists),
        (errno.EINVAL, IntoItself),
        (errno.ENOSPC, Full),
        (errno.EDQUOT, QuotaExceeded),
        (errno.EACCES, Unavailable),
        (errno.EROFS, Unavailable),
        (errno.EMFILE, Unavailable),
        (errno.EIO, Unavailable),
        (errno.ENAMETOOLONG, BadPath),
    ],
)
def test_what_the_system_reports_has_its_own_error_and_tells_no_place(
    number: int, expected: type[FilehostError]
) -> None:
    with pytest.raises(expected) as raised, Translated():
        raise OSError(number, os.strerror(number), "/srv/data/files/alice/a.txt")
    assert "/srv" not in str(raised.value)
    assert os.strerror(number) not in str(raised.value)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_full_disk_refuses_the_upload_and_keeps_what_is_there(
    full: Tree, small_disk: Path, announced: bool
) -> None:
    put(full, "/a.pdf", b"x" * MIB)
    for path in ("/a.pdf", "/b.pdf"):
        with pytest.raises(Full):
            full.write(at(path), Bytes(bytes(4 * MIB), -1 if announced else None))
    assert tree_of(full) == {"/a.pdf": b"x" * MIB}
    assert leftovers(small_disk) == []
    put(full, "/c.pdf", bytes(MIB))


def test_a_disk_that_fills_up_in_mid_body_stores_nothing(full: Tree, small_disk: Path) -> None:
    class Filling(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            with contextlib.suppress(OSError), (small_disk / "filler").open("ab", buffering=0) as filler:
                while True:
                    filler.write(bytes(65_536))
            return super().readinto(buffer)

    put(full, "/a.pdf", b"old")
    with pytest.raises(Full):
        full.write(at("/a.pdf"), Filling(bytes(500_000), None))
    assert tree_of(full) == {"/a.pdf": b"old"}
    assert leftovers(small_disk) == []


def test_trash_and_versions_give_way_when_the_disk_is_full(full: Tree) -> None:
    put(full, "/old.pdf", bytes(2 * MIB))
    full.delete(at("/old.pdf"))
    put(full, "/x.pdf", bytes(MIB))
    put(full, "/x.pdf", b"x")
    put(full, "/new.pdf", bytes(2 * MIB))
    assert list(full.trash()) == []
    assert names(full) == {"x.pdf", "new.pdf"}
    put(full, "/more.pdf", bytes(MIB))
    assert list(full.versions(at("/x.pdf"))) == []


def test_deleting_works_on_a_full_disk(full: Tree, small_disk: Path) -> None:
    put(full, "/a.pdf", bytes(MIB))
    with contextlib.suppress(OSError), (small_disk / "filler").open("ab", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    trashed = full.delete(at("/a.pdf"))
    assert trashed is not None
    full.purge(trashed.id)
    assert names(full) == set()
    put(full, "/b.pdf", bytes(MIB // 2))


def test_a_copy_that_does_not_fit_leaves_nothing(full: Tree, small_disk: Path) -> None:
    full.make_folder(at("/a"))
    for number in range(3):
        put(full, f"/a/{number}.pdf", bytes(MIB))
    before = tree_of(full)
    with pytest.raises(Full):
        full.copy(at("/a"), at("/b"))
    with pytest.raises(Full):
        full.copy(at("/a/0.pdf"), at("/b.pdf"))
    assert tree_of(full) == before
    assert leftovers(small_disk) == []


def test_a_disk_without_inodes_is_full(full: Tree, small_disk: Path) -> None:
    stored = 0
    with contextlib.suppress(Full):
        while stored < 400:
            put(full, f"/{stored}.txt", b"x")
            stored += 1
    assert 100 < stored < 400
    assert len(names(full)) == stored
    assert leftovers(small_disk) == []


def test_the_floor_of_free_disk_is_not_crossed(small_disk: Path) -> None:
    storage = LocalStorage(small_disk, floor=2 * MIB)
    tree = storage.tree("alice")
    put(tree, "/a.pdf", bytes(MIB))
    for length in (-1, None):
        with pytest.raises(Full):
            tree.write(at("/b.pdf"), Bytes(bytes(2 * MIB), length))
    assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize >= 2 * MIB
    assert tree.usage().available < MIB


def test_a_disk_that_became_read_only_says_so_and_is_still_readable(full: Tree, small_disk: Path) -> None:
    put(full, "/a.pdf", b"x")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    changes: list[Callable[[], object]] = [
        lambda: put(full, "/a.pdf", b"y"),
        lambda: put(full, "/b.pdf", b"y"),
        lambda: full.make_folder(at("/folder")),
        lambda: full.delete(at("/a.pdf")),
        lambda: full.move(at("/a.pdf"), at("/b.pdf")),
        lambda: full.copy(at("/a.pdf"), at("/b.pdf")),
        lambda: full.set_modified(at("/a.pdf"), 10**18),
    ]
    for change in changes:
        with pytest.raises(Unavailable) as refused:
            change()
        assert str(small_disk) not in str(refused.value)
    assert read(full, "/a.pdf") == b"x"
    assert names(full) == {"a.pdf"}
    assert full.usage().used == 1


@pytest.mark.parametrize("size", [1000, 500_000])
def test_a_file_removed_underneath_while_uploading_is_simply_made(
    tree: Tree, tmp_path: Path, size: int
) -> None:
    put(tree, "/a.txt", b"old")

    class Removing(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            (tmp_path / "files" / "alice" / "a.txt").unlink(missing_ok=True)
            return super().readinto(buffer)

    tree.write(at("/a.txt"), Removing(b"n" * size))
    assert read(tree, "/a.txt") == b"n" * size


@pytest.mark.parametrize("how", ["deleted", "moved", "deleted by hand"])
@pytest.mark.parametrize("size", [1000, 500_000])
def test_a_folder_that_goes_while_uploading_takes_no_upload_with_it(
    tree: Tree, tmp_path: Path, size: int, how: str
) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/keep.txt", b"keep")

    class Removing(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            with contextlib.suppress(FilehostError, FileNotFoundError):
                if how == "deleted":
                    tree.delete(at("/a"))
                elif how == "moved":
                    tree.move(at("/a"), at("/b"))
                else:
                    (tmp_path / "files" / "alice" / "a" / "keep.txt").unlink()
                    for left in (tmp_path / "files" / "alice" / "a").iterdir():
                        left.unlink()
                    (tmp_path / "files" / "alice" / "a").rmdir()
            return super().readinto(buffer)

    with pytest.raises(ParentMissing):
        tree.write(at("/a/new.txt"), Removing(b"n" * size))
    assert "/a/new.txt" not in tree_of(tree)
    assert leftovers(tmp_path) == []


def test_a_file_cut_short_while_it_is_read_is_an_error_not_silence(tree: Tree, tmp_path: Path) -> None:
    put(tree, "/a.txt", bytes(600_000))
    with tree.open(at("/a.txt")) as content:
        os.truncate(tmp_path / "files" / "alice" / "a.txt", 100)
        with pytest.raises(Truncated):
            list(content.blocks(0, content.entry.size))


def test_without_free_descriptors_the_server_is_busy_and_recovers(tree: Tree) -> None:
    put(tree, "/a.txt", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 2, hard))
    held = []
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        for attempt in (lambda: tree.open(at("/a.txt")), lambda: put(tree, "/b.txt", b"y")):
            with pytest.raises(Unavailable):
                attempt()
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    put(tree, "/b.txt", b"y")
    assert tree_of(tree) == {"/a.txt": b"x", "/b.txt": b"y"}


def test_a_clock_set_back_keeps_the_order_of_versions_and_expires_nothing(tmp_path: Path) -> None:
    now = [time.time_ns()]
    storage = LocalStorage(tmp_path, durability="none", clock=lambda: now[0])
    tree = storage.tree("alice")
    for content in (b"1", b"22", b"333", b"4444"):
        put(tree, "/a.txt", content)
        now[0] -= 3600 * 10**9
    assert [version.size for version in tree.versions(at("/a.txt"))] == [3, 2, 1]
    tree.delete(at("/a.txt"))
    now[0] -= 365 * 86_400 * 10**9
    storage.sweep()
    assert len(list(tree.trash())) == 1


def test_an_abandoned_body_leaves_nothing(tree: Tree, tmp_path: Path) -> None:
    class Gone(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            if self._left == 0:
                raise Truncated("The client is gone")
            self._left -= 1
            return super().readinto(buffer[:1000])

        _left = 3

    for length in (None, 5000, 500_000):
        with pytest.raises(Truncated):
            tree.write(at("/a.txt"), Gone(bytes(500_000)[: length or 500_000], length))
    assert names(tree) == set()
    assert leftovers(tmp_path) == []


def test_more_versions_than_a_user_may_have_give_way_oldest_first(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path, durability="none", retention=Retention(versions_most=2500))
    tree = storage.tree("alice")
    for _ in range(6):
        put(tree, "/a.txt", bytes(1000))
    newest = [version.id for version in tree.versions(at("/a.txt"))][:2]
    storage.sweep()
    assert [version.id for version in tree.versions(at("/a.txt"))] == newest


def test_reserved_room_of_a_killed_process_comes_back(tmp_path: Path) -> None:
    code = f"""
import os, sys
from pathlib import Path
from harness.trees import Bytes, at
from filehost_dav.storage.local import LocalStorage
class Dying(Bytes):
    def readinto(self, buffer, /):
        os.kill(os.getpid(), 9)
tree = LocalStorage(Path({str(tmp_path)!r}), quota=lambda user: 1_000_000).tree("alice")
tree.write(at("/a.txt"), Dying(b"", 900_000))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    killed = subprocess.run([sys.executable, "-c", code], check=False, env=environment)
    assert killed.returncode == -9
    tree = LocalStorage(tmp_path, durability="none", quota=lambda _user: 1_000_000).tree("alice")
    put(tree, "/b.txt", bytes(900_000))
    with pytest.raises(QuotaExceeded):
        put(tree, "/c.txt", bytes(200_000))


def test_reserved_room_of_a_process_elsewhere_comes_back_after_a_day(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path, durability="none", quota=lambda _user: 1_000_000)
    tree = storage.tree("alice")
    put(tree, "/a.txt", b"x")
    long_ago, lately = int(time.time()) - 2 * 86_400, int(time.time())
    for moment, fits in ((long_ago, True), (lately, False)):
        with (tmp_path / "ledger" / "alice").open("r+b") as ledger:
            ledger.seek(64)
            ledger.write(struct.pack("=48sqq", b"another.1.1", 900_000, moment))
        with contextlib.nullcontext() if fits else pytest.raises(QuotaExceeded):
            put(tree, "/b.txt", bytes(200_000))
        tree.delete(at("/b.txt")) if fits else None


@pytest.mark.parametrize(("written", "counted"), [(1_000_000_000, True), (None, False)])
def test_a_ledger_from_before_the_machine_was_started_is_counted_anew(
    tmp_path: Path, written: int | None, counted: bool
) -> None:
    storage = LocalStorage(tmp_path, durability="none", quota=lambda _user: 1_000_000)
    tree = storage.tree("alice")
    put(tree, "/a.txt", b"x")
    assert tree.usage().used == 1
    (tmp_path / "files" / "alice" / "b.txt").write_bytes(b"by hand")
    with (tmp_path / "ledger" / "alice").open("r+b") as ledger:
        ledger.seek(8)
        ledger.write(b"anotherb")
    if written is not None:
        os.utime(tmp_path / "ledger" / "alice", (written, written))
    assert tree.usage().used == (8 if counted else 1)


def test_a_slow_upload_does_not_keep_others_waiting(tree: Tree) -> None:
    started, finish = threading.Event(), threading.Event()

    class Slow(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            started.set()
            finish.wait(10)
            return super().readinto(buffer)

    thread = threading.Thread(target=lambda: tree.write(at("/slow.txt"), Slow(bytes(200_000))))
    thread.start()
    started.wait(10)
    put(tree, "/quick.txt", b"x")
    tree.delete(at("/quick.txt"))
    with pytest.raises(NotFound):
        tree.stat(at("/slow.txt"))
    finish.set()
    thread.join()
    assert names(tree) == {"slow.txt"}
