"""What only object storage promises of its rows and contents, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import pytest
from testbed.bodies import Bytes, Endless
from testbed.soundness import problems

from filehost_dav.errors import (
    ChecksumMismatch,
    ConditionFailed,
    Exists,
    NotFound,
    ParentMissing,
    QuotaExceeded,
    TooLarge,
    Truncated,
    Unavailable,
)
from filehost_dav.paths import Area, FilePath
from filehost_dav.state.database import EVERYONE, Database, Transaction
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.blobs import Blobs, Lost, Sink
from filehost_dav.storage.object.cleaner import DAY, Ages
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.object.tree import ObjectTree
from filehost_dav.storage.tree import ABSENT, Condition, Entry, Metadata

MIB = 1 << 20


def at(text: str) -> FilePath:
    return FilePath.parse(text)


def put(tree: ObjectTree, path: str, content: bytes) -> Entry:
    return tree.write(at(path), Bytes(content)).entry


def read(tree: ObjectTree, path: str) -> bytes:
    with tree.open(at(path)) as content:
        return b"".join(content.blocks(0, content.entry.size))


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000_000

    def __call__(self) -> int:
        self.now += 1000
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(database: Database, folder_blobs: FolderBlobs, clock: Clock) -> ObjectStorage:
    return ObjectStorage(database, folder_blobs, clock=clock)


@pytest.fixture
def tree(storage: ObjectStorage) -> ObjectTree:
    return storage.tree("alice")


@pytest.fixture(autouse=True)
def _sound(database: Database, folder_blobs: FolderBlobs) -> Iterator[None]:
    """After every test, rows and contents agree."""
    yield
    assert problems(database, folder_blobs) == {}


def objects(blobs: Blobs) -> int:
    return len(list(blobs.list("b/")))


def test_a_copy_shares_its_content(tree: ObjectTree, folder_blobs: FolderBlobs) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.txt", b"content")
    tree.copy(at("/a"), at("/b"))
    assert objects(folder_blobs) == 1
    tree.delete(at("/a"))
    assert read(tree, "/b/x.txt") == b"content"


def test_a_running_download_ends_well_after_an_overwrite(tree: ObjectTree, storage: ObjectStorage) -> None:
    put(tree, "/a.txt", b"old")
    content = tree.open(at("/a.txt"))
    put(tree, "/a.txt", b"new")
    [version] = tree.versions(at("/a.txt"))
    tree.purge_version(at("/a.txt"), version.id)
    storage.sweep()
    assert b"".join(content.blocks(0, 3)) == b"old"


def test_what_nothing_needs_leaves_the_bucket_after_its_grace(
    tree: ObjectTree, storage: ObjectStorage, folder_blobs: FolderBlobs, clock: Clock
) -> None:
    put(tree, "/a.txt", b"content")
    trashed = tree.delete(at("/a.txt"))
    assert trashed is not None
    tree.purge(trashed.id)
    storage.sweep()
    assert objects(folder_blobs) == 1
    clock.now += 3 * DAY
    storage.sweep()
    assert objects(folder_blobs) == 0
    assert tree.usage().used == 0


def test_an_empty_file_needs_no_object(tree: ObjectTree, folder_blobs: FolderBlobs) -> None:
    put(tree, "/a.txt", b"")
    assert read(tree, "/a.txt") == b""
    assert objects(folder_blobs) == 0


def test_trash_and_versions_expire(tree: ObjectTree, storage: ObjectStorage, clock: Clock) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.txt", b"deleted")
    put(tree, "/b.txt", b"first")
    tree.delete(at("/a"))
    for number in range(5):
        put(tree, "/b.txt", b"version %d" % number)
    clock.now += 2 * DAY
    storage.sweep()
    assert len(list(tree.versions(at("/b.txt")))) == 1  # the last of that day
    assert len(list(tree.trash())) == 1
    clock.now += 30 * DAY
    storage.sweep()
    assert list(tree.versions(at("/b.txt"))) == []
    assert list(tree.trash()) == []
    assert tree.usage().used == len(b"version 4")
    assert read(tree, "/b.txt") == b"version 4"


def test_a_user_who_is_removed_leaves_nothing(
    tree: ObjectTree, storage: ObjectStorage, database: Database, folder_blobs: FolderBlobs, clock: Clock
) -> None:
    put(storage.tree("bob"), "/b.txt", b"bob's")
    tree.make_folder(at("/a"))
    put(tree, "/a/x.txt", b"one")
    put(tree, "/a/x.txt", b"two")
    tree.delete(at("/a"))
    put(tree, "/c.txt", b"three")
    storage.remove("alice")
    assert list(storage.tree("alice").list(at("/"))) == []
    clock.now += DAY
    storage.sweep()
    clock.now += 3 * DAY
    storage.sweep()
    assert objects(folder_blobs) == 1
    assert read(storage.tree("bob"), "/b.txt") == b"bob's"
    for table in ("trash", "version"):
        assert database.query(f"SELECT * FROM {table}") == []


def test_a_user_who_comes_back_gets_an_empty_tree_from_every_node(
    tree: ObjectTree, storage: ObjectStorage
) -> None:
    put(tree, "/a.txt", b"of before")
    storage.remove("alice")
    assert list(tree.list(at("/"))) == []
    storage.remove("alice")
    assert put(tree, "/b.txt", b"of now").size == 6
    assert [entry.path for entry in tree.list(at("/"))] == [at("/b.txt")]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("size", [10, 9 * MIB])
def test_a_broken_upload_leaves_nothing(
    tree: ObjectTree, database: Database, folder_blobs: FolderBlobs, size: int, announced: bool
) -> None:
    put(tree, "/a.txt", b"old")
    with pytest.raises(Truncated):
        tree.write(at("/a.txt"), Endless(size, announced=announced, breaks_after=size // 2))
    assert read(tree, "/a.txt") == b"old"
    assert objects(folder_blobs) == 1
    # Of the two names that were drawn this upload's is gone; the other is the next one's.
    assert database.query("SELECT state FROM blob WHERE state <> 1") == [(0,)]


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 17 * MIB])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_any_size_arrives_whole(tree: ObjectTree, size: int, announced: bool) -> None:
    written = tree.write(at("/a.bin"), Endless(size, announced=announced))
    assert written.entry.size == size
    body, room = Endless(size), memoryview(bytearray(size))
    filled = 0
    while count := body.readinto(room[filled:]):
        filled += count
    assert read(tree, "/a.bin") == bytes(room)


def test_the_checksums_of_the_bytes_are_kept(tree: ObjectTree) -> None:
    sums = {"sha1": "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"}
    tree.write(at("/a.txt"), Bytes(b"hello"), metadata=Metadata(checksums=sums))
    kept = tree.checksums(at("/a.txt"))
    assert kept["sha1"] == sums["sha1"]
    assert kept["sha256"].startswith("2cf24dba5fb0")
    with pytest.raises(ChecksumMismatch):
        tree.write(at("/b.txt"), Endless(9 * MIB), metadata=Metadata(checksums=sums))


def test_a_file_beyond_the_largest_is_refused_before_its_body(database: Database, tmp_path: Path) -> None:
    tree = ObjectStorage(database, FolderBlobs(tmp_path / "bucket"), largest=100).tree("alice")
    with pytest.raises(TooLarge):
        tree.write(at("/a.bin"), Endless(101, breaks_after=0))
    with pytest.raises(TooLarge):
        tree.write(at("/a.bin"), Endless(101, announced=False))


def test_of_many_who_create_one_name_one_wins(tree: ObjectTree) -> None:
    outcomes: list[str] = []

    def create(number: int) -> None:
        try:
            tree.write(at("/a.txt"), Bytes(b"%d" % number), when=ABSENT)
            outcomes.append(f"{number}")
        except ConditionFailed:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [read(tree, "/a.txt").decode()] == outcomes


def test_a_condition_is_asked_before_the_body_and_again_in_the_commit(tree: ObjectTree) -> None:
    seen: list[str | None] = []

    def holds(present: Entry | None) -> None:
        seen.append(present and present.etag)
        if present is not None:
            raise ConditionFailed("Somebody was faster")

    class Slow(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            put(tree, "/a.txt", b"faster")
            return super().readinto(buffer)

    with pytest.raises(ConditionFailed):
        tree.write(at("/a.txt"), Slow(b"slower"), when=Condition(holds=holds))
    assert read(tree, "/a.txt") == b"faster"
    assert seen[0] is None
    assert seen[-1] is not None


def test_an_etag_stays_over_move_and_a_new_time(tree: ObjectTree) -> None:
    before = put(tree, "/a.txt", b"x")
    moved = tree.move(at("/a.txt"), at("/b.txt")).entry
    timed = tree.set_modified(at("/b.txt"), 1234)
    assert {before.etag, moved.etag, timed.etag} == {before.etag}
    assert before.id == moved.id == timed.id
    assert timed.modified == 1234


def test_a_change_anywhere_below_marks_every_folder_above(tree: ObjectTree) -> None:
    for folder in ("/a", "/a/b", "/c"):
        tree.make_folder(at(folder))
    put(tree, "/a/b/x.txt", b"x")

    def marks() -> list[object]:
        return [tree.generation(at(folder)) for folder in ("/", "/a", "/a/b", "/c")]

    before = marks()
    tree.set_modified(at("/a/b/x.txt"), 5)
    assert [new != old for new, old in zip(marks(), before, strict=True)] == [True, True, True, False]


def test_side_files_bring_their_folders_and_leave_no_versions(tree: ObjectTree) -> None:
    path = at("/a/b/._x.txt").in_area(Area.SIDE)
    tree.write(path, Bytes(b"one"))
    tree.write(path, Bytes(b"two"))
    assert list(tree.versions(path)) == []
    assert tree.delete(path) is None
    assert list(tree.list(at("/"))) == []
    assert tree.usage().used == 0


def test_a_file_moved_over_another_takes_over_its_versions(tree: ObjectTree) -> None:
    put(tree, "/doc.txt", b"first")
    put(tree, "/doc.txt", b"second")
    put(tree, "/temporary.txt", b"third")
    tree.move(at("/temporary.txt"), at("/doc.txt"))
    contents = []
    for version in tree.versions(at("/doc.txt")):
        with tree.open_version(at("/doc.txt"), version.id) as content:
            contents.append(b"".join(content.blocks(0, version.size)))
    assert contents == [b"second", b"first"]
    assert list(tree.trash()) == []


def test_an_earlier_content_comes_back_and_todays_becomes_a_version(tree: ObjectTree) -> None:
    put(tree, "/a.txt", b"good")
    put(tree, "/a.txt", b"")
    [version] = tree.versions(at("/a.txt"))
    tree.restore_version(at("/a.txt"), version.id)
    assert read(tree, "/a.txt") == b"good"
    put(tree, "/a.txt", b"newer")
    tree.restore_version(at("/a.txt"), next(tree.versions(at("/a.txt"))).id)
    assert read(tree, "/a.txt") == b"good"
    assert [version.size for version in tree.versions(at("/a.txt"))] == [len(b"newer")]


def test_what_was_deleted_comes_back_and_never_over_something(tree: ObjectTree) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.txt", b"x")
    trashed = tree.delete(at("/a"))
    assert trashed is not None
    assert trashed.size == 1
    assert [(found.id, found.size, found.origin) for found in tree.trash()] == [(trashed.id, 1, at("/a"))]
    assert [entry.path.name for entry in tree.list_trashed(trashed.id)] == ["x.txt"]
    with tree.open_trashed(trashed.id, ("x.txt",)) as content:
        assert b"".join(content.blocks(0, 1)) == b"x"
    tree.make_folder(at("/a"))
    with pytest.raises(Exists, match=r"a \(restored\)"):
        tree.restore(trashed.id)
    with pytest.raises(ParentMissing):
        tree.restore(trashed.id, at("/no/a"))
    tree.restore(trashed.id, at("/b"))
    assert read(tree, "/b/x.txt") == b"x"
    with pytest.raises(NotFound):
        tree.restore(trashed.id)


class Counted:
    """A database that counts its transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transactions = 0

    def transaction(self, subject: str = EVERYONE) -> AbstractContextManager[Transaction]:
        self.transactions += 1
        return self._database.transaction(subject)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


class TestQuota:
    """Room of one user: 1 MiB."""

    @pytest.fixture
    def tree(self, database: Database, folder_blobs: FolderBlobs, clock: Clock) -> ObjectTree:
        return ObjectStorage(database, folder_blobs, quota=lambda _: MIB, clock=clock).tree("alice")

    @pytest.mark.parametrize("announced", [True, False])
    def test_a_file_that_does_not_fit_is_refused(self, tree: ObjectTree, announced: bool) -> None:
        with pytest.raises(QuotaExceeded):
            tree.write(at("/a.bin"), Endless(MIB + 1, announced=announced))
        assert tree.usage() == (0, MIB, MIB)

    def test_an_announced_file_that_does_not_fit_is_refused_before_its_body(self, tree: ObjectTree) -> None:
        with pytest.raises(QuotaExceeded):
            tree.write(at("/a.bin"), Endless(MIB + 1, breaks_after=0))
        with pytest.raises(QuotaExceeded):
            tree.write(
                at("/a.bin"), Endless(MIB, announced=False, breaks_after=0), metadata=Metadata(expected=MIB + 1)
            )

    def test_a_small_file_that_does_not_fit_is_refused_before_its_body(self, tree: ObjectTree) -> None:
        put(tree, "/a.bin", bytes(MIB - 5))
        with pytest.raises(QuotaExceeded):
            tree.write(at("/b.bin"), Endless(6, breaks_after=0))
        put(tree, "/b.bin", bytes(5))

    def test_a_small_file_takes_one_transaction(self, database: Database, folder_blobs: FolderBlobs) -> None:
        counted = Counted(database)
        tree = ObjectStorage(cast("Database", counted), folder_blobs, quota=lambda _: MIB).tree("alice")
        before = counted.transactions
        for size in (10, MIB // 2):
            put(tree, f"/{size}.bin", bytes(size))
        assert counted.transactions - before == 1 + 2  # a large one has its room kept

    def test_two_uploads_cannot_overshoot_together(self, tree: ObjectTree) -> None:
        class Nested(Endless):
            def readinto(self, buffer: memoryview, /) -> int:
                with pytest.raises(QuotaExceeded):
                    tree.write(at("/b.bin"), Endless(MIB // 2))
                return super().readinto(buffer)

        tree.write(at("/a.bin"), Nested(MIB * 3 // 4))
        assert tree.usage() == (MIB * 3 // 4, MIB, MIB // 4)

    def test_the_oldest_of_trash_and_versions_give_way(self, tree: ObjectTree) -> None:
        put(tree, "/a.bin", bytes(MIB // 4))
        tree.delete(at("/a.bin"))
        put(tree, "/b.bin", bytes(MIB // 4))
        put(tree, "/b.bin", bytes(MIB // 4))
        put(tree, "/c.bin", bytes(MIB // 2))
        assert list(tree.trash()) == []
        assert len(list(tree.versions(at("/b.bin")))) == 1
        put(tree, "/d.bin", bytes(MIB // 4))
        assert list(tree.versions(at("/b.bin"))) == []
        with pytest.raises(QuotaExceeded):
            put(tree, "/e.bin", b"x")

    def test_a_copy_needs_room_too(self, tree: ObjectTree) -> None:
        put(tree, "/a.bin", bytes(MIB * 3 // 4))
        with pytest.raises(QuotaExceeded):
            tree.copy(at("/a.bin"), at("/b.bin"))

    def test_a_given_up_folder_is_not_counted_and_goes_with_the_sweep(
        self, tree: ObjectTree, database: Database, folder_blobs: FolderBlobs, clock: Clock
    ) -> None:
        tree.make_folder(at("/a"))
        for number in range(3):
            put(tree, f"/a/{number}.bin", bytes(MIB // 4))
        put(tree, "/a/0.bin", bytes(MIB // 8))
        tree.delete(at("/a"))
        put(tree, "/b.bin", bytes(MIB // 2))
        assert tree.usage().used == MIB // 2
        storage = ObjectStorage(database, folder_blobs, clock=clock, ages=Ages(grace=0))
        storage.sweep()
        assert objects(folder_blobs) == 1


class Fragile:
    """A store whose reading breaks after every `after` bytes, and does not answer at all when `dead`."""

    def __init__(self, blobs: FolderBlobs, after: int) -> None:
        self._blobs = blobs
        self._after = after
        self.dead = False
        self.put, self.delete, self.list = blobs.put, blobs.delete, blobs.list
        self.notes, self.abort, self.sign = blobs.notes, blobs.abort, blobs.sign

    def writer(self, key: str, part: int, notes: Mapping[str, str]) -> AbstractContextManager[Sink]:
        return self._blobs.writer(key, part, notes)

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        if not self.dead:
            yield from self._blobs.stream(key, start, min(self._after, length))
        if self.dead or length > self._after:
            raise Unavailable("The connection broke")


def test_a_broken_connection_is_continued_unseen(database: Database, folder_blobs: FolderBlobs) -> None:
    fragile = Fragile(folder_blobs, after=100_000)
    tree = ObjectStorage(database, fragile).tree("alice")
    content = bytes(range(256)) * 4096
    put(tree, "/a.bin", content)
    assert read(tree, "/a.bin") == content
    fragile.dead = True
    with pytest.raises(Unavailable):
        read(tree, "/a.bin")


@pytest.mark.parametrize("depth", [1, 5, 6, 7, 12])
def test_a_path_of_any_length_is_walked_as_far_as_it_goes(tree: ObjectTree, depth: int) -> None:
    path = FilePath.root()
    for number in range(depth):
        path = path / f"folder {number}"
        tree.make_folder(path)
    put(tree, str(path / "a.txt"), b"deep")
    assert read(tree, str(path / "a.txt")) == b"deep"
    for missing in (path / "b.txt", path / "a.txt" / "below", path / "no" / "no" / "no"):
        with pytest.raises(NotFound):
            tree.stat(missing)


def test_a_small_content_is_remembered_and_never_mistaken(
    database: Database, folder_blobs: FolderBlobs, tmp_path: Path
) -> None:
    """While the bucket is away, what is remembered is told, and what is not is lost."""
    tree = ObjectStorage(database, folder_blobs, memory=10_000).tree("alice")
    for name, size in (("a", 4000), ("b", 4000), ("c", 4000), ("d", 20_000)):
        put(tree, f"/{name}.txt", name.encode() * size)
    put(tree, "/c.txt", b"new")
    (tmp_path / "bucket" / "b").rename(tmp_path / "away")
    assert read(tree, "/b.txt") == b"b" * 4000
    assert read(tree, "/c.txt") == b"new"
    with tree.open(at("/b.txt")) as content:
        assert b"".join(content.blocks(3998, 2)) == b"bb"
    for forgotten in ("/a.txt", "/d.txt"):
        with pytest.raises(Lost):
            read(tree, forgotten)
    (tmp_path / "away").rename(tmp_path / "bucket" / "b")
