"""What every Tree promises about files and folders, whatever stores them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable

import pytest
from harness.trees import Bytes, at, names, put, read, tree_of

from filehost_dav.errors import (
    ChecksumMismatch,
    ConditionFailed,
    Exists,
    FilehostError,
    IntoItself,
    IsAFolder,
    Locked,
    NotAFolder,
    NotFound,
    ParentMissing,
    TooLarge,
    Truncated,
)
from filehost_dav.paths import Area
from filehost_dav.storage.tree import ABSENT, Condition, Entry, Metadata, Storage, Tree

YEAR_2001 = 1_000_000_000 * 10**9


def test_a_written_file_reads_back_byte_for_byte(tree: Tree) -> None:
    written = put(tree, "/a.txt", b"hello")
    assert written.created
    assert read(tree, "/a.txt") == b"hello"
    assert tree.stat(at("/a.txt")) == written.entry


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_500_000])
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_body_of_any_size_and_framing_is_stored_whole(tree: Tree, size: int, announced: bool) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    written = tree.write(
        at("/a.pdf"), Bytes(content, -1 if announced else None), metadata=Metadata(expected=size)
    )
    assert written.entry.size == size
    assert read(tree, "/a.pdf") == content


def test_part_of_a_file_can_be_read(tree: Tree) -> None:
    put(tree, "/a.txt", b"0123456789")
    with tree.open(at("/a.txt")) as content:
        assert b"".join(content.blocks(3, 4)) == b"3456"


def test_a_reader_keeps_what_it_opened_while_the_file_is_replaced(tree: Tree) -> None:
    put(tree, "/a.txt", b"before")
    with tree.open(at("/a.txt")) as content:
        put(tree, "/a.txt", b"after!")
        tree.delete(at("/a.txt"))
        assert b"".join(content.blocks(0, content.entry.size)) == b"before"


def test_overwriting_says_that_something_was_there(tree: Tree) -> None:
    put(tree, "/a.txt", b"one")
    assert not put(tree, "/a.txt", b"two").created
    assert read(tree, "/a.txt") == b"two"


def test_every_write_has_its_own_tag(tree: Tree) -> None:
    tags = {
        tree.write(at("/a.txt"), Bytes(b"same"), metadata=Metadata(modified=YEAR_2001)).entry.etag
        for _ in range(50)
    }
    for _ in range(20):
        tree.delete(at("/a.txt"))
        tags.add(tree.write(at("/a.txt"), Bytes(b"same"), metadata=Metadata(modified=YEAR_2001)).entry.etag)
    assert len(tags) == 70


def test_a_tag_is_a_strong_quoted_one_and_the_same_everywhere(tree: Tree) -> None:
    put(tree, "/a.txt", b"one")
    etag = put(tree, "/a.txt", b"two").entry.etag
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert tree.stat(at("/a.txt")).etag == etag
    assert [entry.etag for entry in tree.list(at("/"))] == [etag]
    with tree.open(at("/a.txt")) as content:
        assert content.entry.etag == etag
    seen: list[Entry | None] = []
    tree.write(at("/a.txt"), Bytes(b"three"), when=Condition(holds=seen.append))
    assert {entry.etag for entry in seen if entry} == {etag}


def test_id_and_tag_survive_a_move_and_the_id_survives_overwriting(tree: Tree) -> None:
    first = put(tree, "/a.txt", b"one").entry
    moved = tree.move(at("/a.txt"), at("/b.txt")).entry
    assert (moved.id, moved.etag) == (first.id, first.etag)
    for content in (b"two", b"three"):
        written = put(tree, "/b.txt", content).entry
        assert written.id == first.id
        assert tree.stat(at("/b.txt")) == written
        assert list(tree.list(at("/"))) == [written]
    assert put(tree, "/a.txt", b"new").entry.id != first.id


def test_the_time_given_is_the_time_told_to_the_second(tree: Tree) -> None:
    put(tree, "/b.txt", b"x")
    for path in ("/a.txt", "/b.txt"):
        entry = tree.write(at(path), Bytes(b"y"), metadata=Metadata(modified=YEAR_2001)).entry
        assert entry.modified // 10**9 == YEAR_2001 // 10**9
        assert tree.stat(at(path)).modified == entry.modified


def test_setting_the_time_keeps_tag_and_id(tree: Tree) -> None:
    put(tree, "/a.txt", b"one")
    tree.make_folder(at("/folder"))
    for path in ("/a.txt", "/folder"):
        before = tree.stat(at(path))
        for moment in (YEAR_2001, YEAR_2001 + 123_456_789, 1_500_000_000 * 10**9):
            after = tree.set_modified(at(path), moment)
            assert (after.etag, after.id) == (before.etag, before.id)
            assert after.modified // 10**9 == moment // 10**9
            assert tree.stat(at(path)) == after
    with pytest.raises(NotFound):
        tree.set_modified(at("/no.txt"), YEAR_2001)


def test_a_write_after_the_time_was_set_has_a_new_tag(tree: Tree) -> None:
    put(tree, "/a.txt", b"one")
    before = tree.set_modified(at("/a.txt"), YEAR_2001)
    after = tree.write(at("/a.txt"), Bytes(b"two"), metadata=Metadata(modified=YEAR_2001)).entry
    assert after.etag != before.etag
    assert after.id == before.id


def test_a_short_body_leaves_the_old_file(tree: Tree) -> None:
    put(tree, "/a.txt", b"old")
    for length in (3, 100_000):
        with pytest.raises(Truncated):
            tree.write(at("/a.txt"), Bytes(b"ne", length=length))
    assert tree_of(tree) == {"/a.txt": b"old"}


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_wrong_checksum_stores_nothing(tree: Tree, size: int) -> None:
    with pytest.raises(ChecksumMismatch):
        tree.write(at("/a.txt"), Bytes(bytes(size)), metadata=Metadata(checksums={"sha1": "0" * 40}))
    assert names(tree) == set()


@pytest.mark.parametrize("size", [10, 100_000])
def test_announced_checksums_are_kept_for_as_long_as_they_hold(tree: Tree, size: int) -> None:
    content = b"x" * size
    sums = {name: hashlib.new(name, content).hexdigest() for name in ("md5", "sha1")}
    tree.write(at("/a.txt"), Bytes(content), metadata=Metadata(checksums={"sha1": sums["sha1"]}))
    known = tree.checksums(at("/a.txt"))
    assert known.items() >= sums.items()
    tree.set_modified(at("/a.txt"), YEAR_2001)
    tree.move(at("/a.txt"), at("/b.txt"))
    tree.copy(at("/b.txt"), at("/c.txt"))
    assert tree.checksums(at("/b.txt")) == known
    assert tree.checksums(at("/c.txt")) == known
    put(tree, "/b.txt", b"another")
    assert tree.checksums(at("/b.txt")).get("sha1") in (None, hashlib.sha1(b"another").hexdigest())


def test_absent_fails_where_something_is(tree: Tree) -> None:
    tree.write(at("/a.txt"), Bytes(b"x"), when=ABSENT)
    put(tree, "/b.txt", b"b")
    changes: list[Callable[[], object]] = [
        lambda: tree.write(at("/a.txt"), Bytes(b"y"), when=ABSENT),
        lambda: tree.copy(at("/b.txt"), at("/a.txt"), when=ABSENT),
        lambda: tree.move(at("/b.txt"), at("/a.txt"), when=ABSENT),
    ]
    for change in changes:
        with pytest.raises(ConditionFailed):
            change()
    assert tree_of(tree) == {"/a.txt": b"x", "/b.txt": b"b"}


def refusing(_present: Entry | None) -> None:
    raise Locked("Locked")


def test_a_condition_that_does_not_hold_changes_nothing(tree: Tree) -> None:
    put(tree, "/a.txt", b"a")
    put(tree, "/b.txt", b"b")
    tree.make_folder(at("/folder"))
    before = tree_of(tree)
    when = Condition(holds=refusing)
    changes: list[Callable[[], object]] = [
        lambda: tree.write(at("/a.txt"), Bytes(b"y"), when=when),
        lambda: tree.write(at("/new.txt"), Bytes(b"y"), when=when),
        lambda: tree.copy(at("/a.txt"), at("/b.txt"), when=when),
        lambda: tree.move(at("/a.txt"), at("/b.txt"), when=when),
        lambda: tree.delete(at("/a.txt"), when=when),
        lambda: tree.delete(at("/folder"), when=when),
        lambda: tree.make_folder(at("/new"), when=when),
    ]
    for change in changes:
        with pytest.raises(Locked):
            change()
    assert tree_of(tree) == before


def test_a_condition_sees_what_is_at_the_target_when_the_body_has_come(tree: Tree) -> None:
    put(tree, "/a.txt", b"old")

    class Meddling(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            put(tree, "/a.txt", b"meanwhile")
            return super().readinto(buffer)

    old = tree.stat(at("/a.txt"))

    def unchanged(present: Entry | None) -> None:
        if present is None or present.etag != old.etag:
            raise ConditionFailed("Changed meanwhile")

    with pytest.raises(ConditionFailed):
        tree.write(at("/a.txt"), Meddling(b"new"), when=Condition(holds=unchanged))
    assert read(tree, "/a.txt") == b"meanwhile"


MISSING: list[tuple[str, Callable[[Tree], object]]] = [
    ("stat", lambda tree: tree.stat(at("/no.txt"))),
    ("stat below", lambda tree: tree.stat(at("/no/a.txt"))),
    ("stat below a file", lambda tree: tree.stat(at("/a.txt/b.txt"))),
    ("open", lambda tree: tree.open(at("/no.txt"))),
    ("open below a file", lambda tree: tree.open(at("/a.txt/b.txt"))),
    ("list", lambda tree: tree.list(at("/no"))),
    ("scan", lambda tree: tree.scan(at("/no")) or tree.list(at("/no"))),
    ("delete", lambda tree: tree.delete(at("/no.txt"))),
    ("delete below", lambda tree: tree.delete(at("/no/a.txt"))),
    ("move", lambda tree: tree.move(at("/no.txt"), at("/b.txt"))),
    ("copy", lambda tree: tree.copy(at("/no.txt"), at("/b.txt"))),
    ("checksums", lambda tree: tree.checksums(at("/no.txt"))),
    ("versions", lambda tree: list(tree.versions(at("/no.txt")))),
    ("restore", lambda tree: tree.restore("no-such-id")),
    ("restore a path", lambda tree: tree.restore("../files")),
    ("purge", lambda tree: tree.purge("..")),
    ("open trashed", lambda tree: tree.open_trashed("no-such-id")),
    ("list trashed", lambda tree: tree.list_trashed("no-such-id")),
    ("open version", lambda tree: tree.open_version(at("/a.txt"), "no-such-id")),
    ("restore version", lambda tree: tree.restore_version(at("/a.txt"), "no-such-id")),
    ("purge version", lambda tree: tree.purge_version(at("/a.txt"), "../x")),
]


@pytest.mark.parametrize("ask", [ask for _, ask in MISSING], ids=[name for name, _ in MISSING])
def test_what_is_not_there_is_not_found(tree: Tree, ask: Callable[[Tree], object]) -> None:
    put(tree, "/a.txt", b"x")
    with pytest.raises(NotFound):
        ask(tree)


@pytest.mark.parametrize("path", ["/no/a.txt", "/a.txt/b.txt"])
def test_something_new_needs_its_folder(tree: Tree, path: str) -> None:
    put(tree, "/a.txt", b"x")
    put(tree, "/b.txt", b"x")
    changes: list[Callable[[], object]] = [
        lambda: tree.write(at(path), Bytes(b"x")),
        lambda: tree.make_folder(at(path)),
        lambda: tree.copy(at("/b.txt"), at(path)),
        lambda: tree.move(at("/b.txt"), at(path)),
    ]
    for change in changes:
        with pytest.raises(ParentMissing):
            change()


def test_a_file_is_no_folder_and_a_folder_no_file(tree: Tree) -> None:
    put(tree, "/a.txt", b"x")
    tree.make_folder(at("/a"))
    with pytest.raises(NotAFolder):
        list(tree.list(at("/a.txt")))
    with pytest.raises(IsAFolder):
        tree.open(at("/a"))
    with pytest.raises(IsAFolder):
        tree.write(at("/a"), Bytes(b"x"))
    for path in ("/a", "/a.txt", "/"):
        with pytest.raises((Exists, IsAFolder)):
            tree.make_folder(at(path))


def test_the_root_is_a_folder_that_stays(tree: Tree) -> None:
    assert tree.stat(at("/")).is_folder
    changes: list[Callable[[], object]] = [
        lambda: tree.delete(at("/")),
        lambda: tree.move(at("/"), at("/x")),
        lambda: tree.write(at("/"), Bytes(b"")),
    ]
    for change in changes:
        with pytest.raises(FilehostError):
            change()
    assert tree.stat(at("/")).is_folder


def test_a_folder_moves_with_all_that_is_in_it(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    tree.make_folder(at("/a/deep"))
    put(tree, "/a/deep/x.txt", b"x")
    identity = tree.stat(at("/a/deep/x.txt")).id
    assert tree.move(at("/a"), at("/b")).created
    assert tree_of(tree) == {"/b": None, "/b/deep": None, "/b/deep/x.txt": b"x"}
    assert tree.stat(at("/b/deep/x.txt")).id == identity


def test_a_copy_is_whole_and_its_own(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    tree.make_folder(at("/a/deep"))
    put(tree, "/a/deep/x.txt", b"x")
    tree.copy(at("/a"), at("/b"))
    put(tree, "/a/deep/x.txt", b"changed")
    assert read(tree, "/b/deep/x.txt") == b"x"
    one, other = tree.stat(at("/a/deep/x.txt")), tree.stat(at("/b/deep/x.txt"))
    assert one.id != other.id
    tree.copy(at("/a"), at("/shallow"), deep=False)
    assert names(tree, "/shallow") == set()


def test_a_copy_of_a_file_keeps_its_time_and_has_its_own_tag(tree: Tree) -> None:
    tree.write(at("/a.txt"), Bytes(b"x"), metadata=Metadata(modified=YEAR_2001))
    copied = tree.copy(at("/a.txt"), at("/b.txt")).entry
    assert copied.modified // 10**9 == YEAR_2001 // 10**9
    assert copied.etag != tree.stat(at("/a.txt")).etag
    assert tree.stat(at("/b.txt")) == copied


@pytest.mark.parametrize("kind", ["copy", "move"])
def test_a_folder_does_not_go_into_itself_nor_over_what_holds_it(tree: Tree, kind: str) -> None:
    tree.make_folder(at("/a"))
    tree.make_folder(at("/a/b"))
    change = getattr(tree, kind)
    for source, target in (("/a", "/a/c"), ("/a", "/a/b"), ("/a/b", "/a"), ("/a", "/a")):
        with pytest.raises(IntoItself):
            change(at(source), at(target))
    assert tree_of(tree) == {"/a": None, "/a/b": None}


@pytest.mark.parametrize("kind", ["copy", "move"])
@pytest.mark.parametrize("source", ["/file.txt", "/folder"])
@pytest.mark.parametrize("target", ["/other.txt", "/other"])
def test_what_is_at_the_target_gives_way_whole(tree: Tree, kind: str, source: str, target: str) -> None:
    put(tree, "/file.txt", b"file")
    tree.make_folder(at("/folder"))
    put(tree, "/folder/x.txt", b"x")
    put(tree, "/other.txt", b"other")
    tree.make_folder(at("/other"))
    put(tree, "/other/y.txt", b"y")
    assert not getattr(tree, kind)(at(source), at(target)).created
    after = tree_of(tree)
    expected = {"": b"file"} if source == "/file.txt" else {"": None, "/x.txt": b"x"}
    assert {k[len(target) :]: v for k, v in after.items() if k == target or k.startswith(target + "/")} == (
        expected
    )
    assert (source in after) == (kind == "copy")


def test_names_in_either_unicode_form_are_one_name(tree: Tree) -> None:
    name = "/Ärger über Öl.txt"
    put(tree, unicodedata.normalize("NFD", name), b"x")
    assert read(tree, unicodedata.normalize("NFC", name)) == b"x"
    assert names(tree) == {unicodedata.normalize("NFC", name[1:])}


@pytest.mark.parametrize(
    "name",
    ["a b.txt", "100%.txt", "ünï.txt", "日本語.txt", "👩‍👩‍👧.txt", "x" * 251 + ".txt", "#?;&=+.txt", "'\".txt"],
)
def test_any_name_that_is_a_path_works_everywhere(tree: Tree, name: str) -> None:
    folder = at("/").__truediv__(name[:-4])
    tree.make_folder(folder)
    tree.write(folder / name, Bytes(b"x"))
    assert [entry.path for entry in tree.list(folder)] == [folder / name]
    tree.write(folder / name, Bytes(b"yy"))
    assert [version.size for version in tree.versions(folder / name)] == [1]
    trashed = tree.delete(folder / name)
    assert trashed is not None
    tree.restore(trashed.id)
    with tree.open(folder / name) as content:
        assert b"".join(content.blocks(0, 2)) == b"yy"


def test_scan_tells_what_list_tells_and_stamps_tell_changes(tree: Tree) -> None:
    put(tree, "/a.txt", b"a")
    tree.make_folder(at("/ä"))
    put(tree, "/b.txt", b"b")
    put(tree, "/b.txt", b"bb")
    scan = tree.scan(at("/"))
    if scan is None:
        return
    found = {name: (stamp, scan.describe(name, facts)) for name, stamp, facts in scan}
    entries = {entry.path.name: entry for entry in tree.list(at("/"))}
    assert {name: entry for name, (_, entry) in found.items()} == entries


def test_what_area_side_and_staging_hold_is_out_of_sight(tree: Tree) -> None:
    for area in (Area.SIDE, Area.STAGING):
        tree.write(at("/not/there/x.txt", area), Bytes(b"side"))
        assert names(tree, "/not/there", area) == {"x.txt"}
        tree.make_folder(at("/nor/this", area))
    assert names(tree) == set()


def test_staging_becomes_a_file_by_a_move_and_back(tree: Tree) -> None:
    tree.write(at("/x.tmp", Area.STAGING), Bytes(b"new"))
    staged = tree.stat(at("/x.tmp", Area.STAGING))
    moved = tree.move(at("/x.tmp", Area.STAGING), at("/x.txt"))
    assert moved.created
    assert (moved.entry.id, moved.entry.etag) == (staged.id, staged.etag)
    tree.move(at("/x.txt"), at("/deep/x.txt", Area.STAGING))
    assert names(tree) == set()
    assert names(tree, "/deep", Area.STAGING) == {"x.txt"}


def test_a_file_larger_than_the_largest_is_refused(make_storage: Callable[..., Storage]) -> None:
    tree = make_storage(largest=1000).tree("alice")
    put(tree, "/a.txt", bytes(1000))
    for body in (Bytes(bytes(1001)), Bytes(bytes(100_000), None), Bytes(bytes(100_000))):
        with pytest.raises(TooLarge) as refused:
            tree.write(at("/b.txt"), body)
        assert refused.value.limit == 1000
    assert names(tree) == {"a.txt"}


def test_one_user_never_sees_another(storage: Storage) -> None:
    alice, bob = storage.tree("alice"), storage.tree("bob")
    put(alice, "/a.txt", b"x")
    put(alice, "/b.txt", b"x")
    trashed = alice.delete(at("/b.txt"))
    assert names(bob) == set()
    assert list(bob.trash()) == []
    with pytest.raises(NotFound):
        bob.stat(at("/a.txt"))
    assert trashed is not None
    with pytest.raises(NotFound):
        bob.restore(trashed.id)


def test_a_removed_user_leaves_nothing_and_can_come_back(storage: Storage) -> None:
    tree = storage.tree("alice")
    put(tree, "/a.txt", b"x")
    tree.delete(at("/a.txt"))
    put(tree, "/b.txt", b"x")
    storage.remove("alice")
    fresh = storage.tree("alice")
    assert names(fresh) == set()
    assert list(fresh.trash()) == []
    assert fresh.usage().used == 0
    put(fresh, "/a.txt", b"y")
    assert read(fresh, "/a.txt") == b"y"
