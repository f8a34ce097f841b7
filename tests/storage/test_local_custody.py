"""What the operator does with a local storage: check, repair, scrub, backup, restore, export."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.trees import Bytes, at, names, put, read, tree_of

from filehost_dav.errors import Exists, NotFound
from filehost_dav.paths import Area
from filehost_dav.storage.local import LocalStorage, custody
from filehost_dav.storage.local.late import Courtesy, LateChecksums
from filehost_dav.storage.local.processes import own_mark
from filehost_dav.storage.tree import Tree

OLD = (1_000_000_000, 1_000_000_000)  # access and modification, in seconds


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def storage(root: Path) -> Iterator[LocalStorage]:
    made = LocalStorage(root, durability="none")
    yield made
    made.close()


@pytest.fixture
def tree(storage: LocalStorage) -> Tree:
    """A tree with something of everything."""
    tree = storage.tree("alice")
    tree.make_folder(at("/Documents"))
    put(tree, "/Documents/a.txt", b"first")
    put(tree, "/Documents/a.txt", b"second")
    put(tree, "/Documents/a.txt", b"third")
    put(tree, "/b.txt", bytes(100_000))
    put(tree, "/gone.txt", b"gone")
    tree.delete(at("/gone.txt"))
    tree.set_modified(at("/b.txt"), 1_234_567_890 * 10**9)
    return tree


def kinds(findings: Iterator[custody.Finding]) -> set[str]:
    return {finding.kind for finding in findings}


def test_a_storage_in_order_has_no_findings(storage: LocalStorage, tree: Tree) -> None:
    assert list(custody.inspect(storage)) == []
    assert tree.usage().used == 5 + 100_000


def test_what_was_put_there_by_hand_and_cannot_be_served_is_reported(
    storage: LocalStorage, tree: Tree, root: Path
) -> None:
    home = root / "files" / "alice"
    os.mkfifo(home / "pipe")
    (home / "link").symlink_to("/etc")
    Path(os.fsdecode(os.fsencode(home) + b"/\xff.txt")).write_bytes(b"x")
    (home / "é.txt").write_bytes(b"x")
    (home / unicodedata.normalize("NFD", "é.txt")).write_bytes(b"x")
    found = {(finding.kind, finding.place) for finding in custody.inspect(storage)}
    assert found == {
        ("special", "/pipe"),
        ("special", "/link"),
        ("name", "/\\xff.txt"),
        ("twin", "/e\u0301.txt"),
        ("usage", "/"),
    }
    before = set(os.listdir(home))
    assert {finding.kind for finding in custody.repair(storage) if finding.mended} == {"usage"}
    assert set(os.listdir(home)) == before
    assert "usage" not in kinds(custody.inspect(storage))
    assert tree.usage().used == 5 + 100_000 + 3


def test_what_a_crash_left_is_removed_and_nothing_else(storage: LocalStorage, tree: Tree, root: Path) -> None:
    home = root / "files" / "alice"
    before = tree_of(tree)
    (home / ".filehost-0.1.0.abc").write_bytes(b"half an upload")
    (home / "Documents" / ".filehost-0.2.0.abc").mkdir()
    (home / "Documents" / ".filehost-0.2.0.abc" / "x").write_bytes(b"half a copy")
    (root / "trash" / "alice" / ".filehost-doomed-1").write_bytes(b"purged")
    storage.sweep()
    (version, *_) = os.scandir(next((root / "versions" / "alice").iterdir()))
    os.link(home / "b.txt", Path(version.path).parent / "1000000000000000000.ab-cd.b.txt")
    assert {"duplicate", "usage"} <= kinds(custody.inspect(storage))
    list(custody.repair(storage))
    left = {finding.kind for finding in custody.inspect(storage)}
    assert left <= {"orphan"}  # too young to be called one
    assert tree_of(tree) == before
    assert len(list(tree.versions(at("/Documents/a.txt")))) == 2


def test_orphans_go_when_their_process_is_gone_and_after_a_day_when_nobody_knows(
    storage: LocalStorage, tree: Tree, root: Path
) -> None:
    home = root / "files" / "alice"
    space, number, started = own_mark().split(".")
    dead, mine, foreign = (
        f".filehost-{mark}.abc"
        for mark in (f"{space}.{number}.{int(started, 16) - 1:x}", own_mark(), f"1234.{number}.{started}")
    )
    for name in (dead, mine, foreign):
        (home / name).write_bytes(b"half an upload")
    (home / "Documents" / dead).mkdir()
    (home / "Documents" / dead / "x.txt").write_bytes(b"half a copy")
    for minutes, left in ((0, {dead, mine, foreign}), (2, {mine, foreign}), (25 * 60, {mine})):
        later = LocalStorage(
            root, durability="none", clock=lambda minutes=minutes: time.time_ns() + minutes * 60 * 10**9
        )
        found = {finding.place for finding in custody.inspect(later) if finding.kind == "orphan"}
        later.sweep()
        later.close()
        assert {name for name in os.listdir(home) if name.startswith(".filehost-")} == left
        assert len(found) == {0: 0, 2: 2, 25 * 60: 1}[minutes]
    assert os.listdir(home / "Documents") == ["a.txt"]


def test_folders_made_for_side_files_go_when_they_are_long_empty(
    storage: LocalStorage, tree: Tree, root: Path
) -> None:
    for area in (Area.SIDE, Area.STAGING):
        tree.write(at("/a/b/x", area), Bytes(b"x"))
        tree.write(at("/c/y", area), Bytes(b"y"))
        tree.delete(at("/a/b/x", area))
    for folder in root.glob("s*/alice/*/"):
        for path in (folder, *folder.glob("*/")):
            os.utime(path, OLD)
    storage.sweep()
    assert [path.name for path in root.glob("s*/alice/*")] == ["c", "c"]
    storage.sweep()
    assert names(tree, "/c", Area.SIDE) == {"y"}


def test_scrub_finds_bytes_that_rotted_and_nothing_else(storage: LocalStorage, tree: Tree, root: Path) -> None:
    first = {(one.place, one.outcome) for one in custody.scrub_all(storage)}
    assert ("/Documents/a.txt", "good") in first
    assert {outcome for _, outcome in first} <= {"good", "recorded"}
    assert sum(one.size for one in custody.scrub_all(storage)) <= custody.total_size(storage)
    for path in ("Documents/a.txt", "b.txt"):
        file = root / "files" / "alice" / path
        times = file.stat()
        with file.open("r+b") as opened:
            opened.write(b"#")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    rotten = {one.place for one in custody.scrub_all(storage) if one.outcome == "rotten"}
    assert rotten == {"/Documents/a.txt", "/b.txt"}


def test_a_backup_restored_to_an_empty_place_is_the_same(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    copied = list(custody.backup(storage, tmp_path / "backup"))
    assert {one.place for one in copied} >= {"/files/alice/Documents/a.txt", "/files/alice/b.txt"}
    list(custody.restore(tmp_path / "backup", tmp_path / "restored"))
    again = LocalStorage(tmp_path / "restored", durability="none")
    restored = again.tree("alice")
    assert tree_of(restored) == tree_of(tree)
    for path in ("/Documents/a.txt", "/b.txt"):
        before, after = tree.stat(at(path)), restored.stat(at(path))
        assert (after.etag, after.id, after.size) == (before.etag, before.id, before.size)
        assert after.modified // 1000 == before.modified // 1000
        assert restored.checksums(at(path)) == tree.checksums(at(path))
    assert [v.id for v in restored.versions(at("/Documents/a.txt"))] == [
        v.id for v in tree.versions(at("/Documents/a.txt"))
    ]
    assert restored.usage().used == tree.usage().used
    (trashed,) = restored.trash()
    restored.restore(trashed.id)
    assert read(restored, "/gone.txt") == b"gone"
    put(restored, "/Documents/a.txt", b"fourth")
    assert len(list(restored.versions(at("/Documents/a.txt")))) == 3
    assert list(custody.inspect(again)) == []
    again.close()


def test_a_second_backup_copies_what_changed_and_forgets_what_is_gone(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    target = tmp_path / "backup"
    list(custody.backup(storage, target))
    assert list(custody.backup(storage, target)) == []
    put(tree, "/Documents/a.txt", b"fourth")
    tree.move(at("/b.txt"), at("/c.txt"))
    places = {one.place for one in custody.backup(storage, target)}
    assert "/files/alice/Documents/a.txt" in places
    assert set(os.listdir(target / "files" / "alice")) == {"Documents", "c.txt"}
    assert (target / "files" / "alice" / "Documents" / "a.txt").read_bytes() == b"fourth"


def test_backup_and_restore_never_clear_a_folder_that_is_not_theirs(
    storage: LocalStorage, tree: Tree, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious").write_bytes(b"x")
    with pytest.raises(Exists):
        list(custody.backup(storage, tmp_path / "other"))
    list(custody.backup(storage, tmp_path / "backup"))
    with pytest.raises(Exists):
        list(custody.restore(tmp_path / "backup", root))
    with pytest.raises(NotFound):
        list(custody.restore(tmp_path / "other", tmp_path / "new"))
    with pytest.raises(Exists):
        list(custody.export(storage, "alice", tmp_path / "other"))


def test_a_backup_taken_while_files_change_is_of_one_moment(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    tree.make_folder(at("/z"))
    put(tree, "/z/wanderer.txt", b"w")
    for number, _ in enumerate(custody.backup(storage, tmp_path / "backup")):
        source, target = ("/z", "/Documents") if number % 2 == 0 else ("/Documents", "/z")
        tree.move(at(f"{source}/wanderer.txt"), at(f"{target}/wanderer.txt"))
    home = tmp_path / "backup" / "files" / "alice"
    assert len(list(home.rglob("wanderer.txt"))) == 1
    assert {str(p.relative_to(home)) for p in home.rglob("*")} == {path[1:] for path in tree_of(tree)}


def test_an_export_has_files_trash_and_versions_as_plain_files(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    list(custody.export(storage, "alice", tmp_path / "export"))
    assert (tmp_path / "export" / "files" / "Documents" / "a.txt").read_bytes() == b"third"
    versions = (tmp_path / "export" / "versions" / "Documents" / "a.txt").iterdir()
    assert {file.read_bytes() for file in versions} == {b"first", b"second"}
    trashed = [file.read_bytes() for file in (tmp_path / "export" / "trash").glob("*gone.txt")]
    assert trashed == [b"gone"]
    assert list(custody.export(storage, "nobody-yet", tmp_path / "none")) == []


def test_the_body_of_an_upload_on_its_way_is_never_an_orphan(storage: LocalStorage, tree: Tree) -> None:
    class Sweeping(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            storage.sweep()
            list(custody.repair(storage))
            return super().readinto(buffer)

    tree.write(at("/large.txt"), Sweeping(bytes(300_000)))
    assert "large.txt" in names(tree)


class Spliced(Bytes):
    """A body whose bytes go to the file unseen."""

    def splice(self, descriptor: int, most: int, /) -> int:
        buffer = memoryview(bytearray(min(most, 65_536)))
        return os.write(descriptor, buffer[: self.readinto(buffer)])


def test_an_upload_that_went_to_the_disk_unseen_gets_its_checksum_afterwards(
    storage: LocalStorage, tree: Tree
) -> None:
    content = bytes(range(256)) * 2000
    for path in ("/new.bin", "/b.txt"):
        entry = tree.write(at(path), Spliced(content)).entry
        storage.late.finish()
        assert tree.checksums(at(path)) == {"sha1": hashlib.sha1(content).hexdigest()}
        assert tree.stat(at(path)) == entry
    assert {one.outcome for one in custody.scrub_all(storage) if one.place == "/new.bin"} == {"good"}


@pytest.mark.parametrize("kind", [Bytes, Spliced])
@pytest.mark.parametrize("size", [100_000, 1_200_000, 10_000_000])
def test_an_upload_without_a_length_takes_no_more_of_the_disk_than_it_is_long(
    tree: Tree, root: Path, kind: type[Bytes], size: int
) -> None:
    content = os.urandom(size)
    tree.write(at("/new.bin"), kind(content, None))
    assert read(tree, "/new.bin") == content
    status = (root / "files" / "alice" / "new.bin").stat()
    assert size <= status.st_blocks * 512 < size + 100_000


def test_no_checksum_is_made_of_what_is_gone_when_its_time_comes(storage: LocalStorage, tree: Tree) -> None:
    purged, made = threading.Event(), []

    def digest(file: int, _algorithm: str) -> str:
        assert purged.wait(10)
        made.append(os.fstat(file).st_size)
        return "0" * 40

    late, disk = LateChecksums(digest), storage.tree("alice").disk
    put(tree, "/new.txt", b"new")
    for path in ("/b.txt", "/new.txt"):
        with disk.source(at(path)) as spot:
            late.add(disk, spot)
    trashed = tree.delete(at("/new.txt"))
    assert trashed is not None
    tree.purge(trashed.id)
    purged.set()
    late.finish()
    late.stop()
    assert made == [100_000]


def test_a_checksum_gives_way_only_when_somebody_else_wanted_the_processor() -> None:
    interruptions, away = iter([0, 1, 1, 3, 3]), list[float]()
    courtesy = Courtesy(lambda: next(interruptions), away.append)
    seen = []
    for _ in range(5):
        courtesy.give_way()
        seen.append(len(away))
    assert seen == [0, 1, 1, 2, 2]


def test_what_is_purged_leaves_no_earlier_contents_on_the_disk(
    storage: LocalStorage, tree: Tree, root: Path
) -> None:
    put(tree, "/keep.txt", b"one")
    put(tree, "/keep.txt", b"two")
    trashed = tree.delete(at("/Documents"))
    assert trashed is not None
    tree.purge(trashed.id)
    left = [file.read_bytes() for file in (root / "versions").rglob("*") if file.is_file()]
    assert left == [b"one"]
    assert list(custody.inspect(storage)) == []
