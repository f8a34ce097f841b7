"""What every Tree promises about the trash and earlier versions: nothing is lost by deleting or overwriting."""

from __future__ import annotations

from typing import Protocol

import pytest
from harness.trees import Bytes, at, names, put, read, tree_of

from filehost_dav.errors import Exists, NotFound, ParentMissing
from filehost_dav.paths import Area
from filehost_dav.storage.tree import Storage, Tree, Version


class Clock(Protocol):
    def forward(self, *, days: float) -> None: ...


PDF = b"%PDF-1.7 content"


def contents(tree: Tree, path: str) -> list[bytes]:
    """The earlier contents of a file, the newest first."""
    return [read_version(tree, path, version) for version in tree.versions(at(path))]


def read_version(tree: Tree, path: str, version: Version) -> bytes:
    with tree.open_version(at(path), version.id) as content:
        return b"".join(content.blocks(0, content.entry.size))


def test_a_deleted_file_can_be_seen_read_and_restored(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    entry = put(tree, "/a/x.pdf", PDF).entry
    trashed = tree.delete(at("/a/x.pdf"))
    assert trashed is not None
    assert [(one.id, one.origin, one.size) for one in tree.trash()] == [(trashed.id, at("/a/x.pdf"), len(PDF))]
    with tree.open_trashed(trashed.id) as content:
        assert b"".join(content.blocks(0, content.entry.size)) == PDF
    restored = tree.restore(trashed.id)
    assert (restored.entry.path, restored.entry.id, restored.entry.etag) == (entry.path, entry.id, entry.etag)
    assert read(tree, "/a/x.pdf") == PDF
    assert list(tree.trash()) == []


def test_a_deleted_folder_is_kept_whole(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    tree.make_folder(at("/a/b"))
    put(tree, "/a/b/x.pdf", PDF)
    put(tree, "/a/y.pdf", PDF)
    before = tree_of(tree)
    trashed = tree.delete(at("/a"))
    assert trashed is not None
    assert names(tree) == set()
    assert [one.size for one in tree.trash()] == [2 * len(PDF)]
    assert {entry.path.name for entry in tree.list_trashed(trashed.id)} == {"b", "y.pdf"}
    assert {entry.path.name for entry in tree.list_trashed(trashed.id, ("b",))} == {"x.pdf"}
    with tree.open_trashed(trashed.id, ("b", "x.pdf")) as content:
        assert b"".join(content.blocks(0, content.entry.size)) == PDF
    tree.restore(trashed.id)
    assert tree_of(tree) == before


def test_restoring_never_overwrites_and_proposes_a_free_name(tree: Tree) -> None:
    put(tree, "/x.pdf", b"old")
    trashed = tree.delete(at("/x.pdf"))
    put(tree, "/x.pdf", b"new")
    put(tree, "/x (restored).pdf", b"taken")
    assert trashed is not None
    with pytest.raises(Exists, match=r"x \(restored 2\)\.pdf"):
        tree.restore(trashed.id)
    tree.restore(trashed.id, at("/y.pdf"))
    assert tree_of(tree) == {"/x.pdf": b"new", "/x (restored).pdf": b"taken", "/y.pdf": b"old"}


def test_restoring_needs_the_folder(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.pdf", PDF)
    trashed = tree.delete(at("/a/x.pdf"))
    tree.delete(at("/a"))
    assert trashed is not None
    with pytest.raises(ParentMissing):
        tree.restore(trashed.id)
    assert [one.id for one in tree.trash()] == [trashed.id]


def test_the_same_name_can_be_deleted_many_times(tree: Tree) -> None:
    for number in range(5):
        put(tree, "/x.pdf", b"%d" % number)
        tree.delete(at("/x.pdf"))
    found = []
    for trashed in tree.trash():
        with tree.open_trashed(trashed.id) as content:
            found.append(b"".join(content.blocks(0, 1)))
    assert found == [b"4", b"3", b"2", b"1", b"0"]


def test_what_is_purged_is_gone(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.pdf", PDF)
    put(tree, "/y.pdf", PDF)
    for path in ("/a", "/y.pdf"):
        trashed = tree.delete(at(path))
        assert trashed is not None
        tree.purge(trashed.id)
        with pytest.raises(NotFound):
            tree.purge(trashed.id)
    assert list(tree.trash()) == []
    assert tree.usage().used == 0


def test_empty_files_and_side_files_are_not_kept(tree: Tree) -> None:
    put(tree, "/empty.pdf", b"")
    tree.write(at("/._x", Area.SIDE), Bytes(b"side"))
    assert tree.delete(at("/empty.pdf")) is None
    assert tree.delete(at("/._x", Area.SIDE)) is None
    assert list(tree.trash()) == []


def test_what_is_deleted_in_staging_can_be_restored_to_the_files(tree: Tree) -> None:
    tree.write(at("/x.pdf", Area.STAGING), Bytes(PDF))
    trashed = tree.delete(at("/x.pdf", Area.STAGING))
    assert trashed is not None
    assert trashed.origin == at("/x.pdf")
    tree.restore(trashed.id)
    assert read(tree, "/x.pdf") == PDF


def test_every_overwrite_keeps_what_was_there(tree: Tree) -> None:
    for content in (b"one", b"two", b"three", b"four"):
        put(tree, "/x.pdf", content)
    assert contents(tree, "/x.pdf") == [b"three", b"two", b"one"]
    tags = [version.etag for version in tree.versions(at("/x.pdf"))]
    assert len(set(tags)) == 3
    times = [version.replaced for version in tree.versions(at("/x.pdf"))]
    assert times == sorted(times, reverse=True)


def test_an_empty_file_over_a_good_one_loses_nothing_and_makes_no_version_itself(tree: Tree) -> None:
    put(tree, "/x.pdf", PDF)
    put(tree, "/x.pdf", b"")
    put(tree, "/x.pdf", b"better")
    assert contents(tree, "/x.pdf") == [PDF]


def test_a_file_copied_or_moved_over_another_makes_a_version_of_it(tree: Tree) -> None:
    put(tree, "/x.pdf", b"one")
    put(tree, "/y.pdf", b"two")
    put(tree, "/z.pdf", b"three")
    tree.copy(at("/y.pdf"), at("/x.pdf"))
    tree.move(at("/z.pdf"), at("/x.pdf"))
    assert contents(tree, "/x.pdf") == [b"two", b"one"]
    assert read(tree, "/x.pdf") == b"three"


def test_a_staged_file_published_over_a_document_is_a_new_content_of_it(tree: Tree) -> None:
    before = put(tree, "/x.pdf", b"one").entry
    tree.write(at("/x.tmp", Area.STAGING), Bytes(b"two"))
    after = tree.move(at("/x.tmp", Area.STAGING), at("/x.pdf")).entry
    assert after.id == before.id
    assert after.etag != before.etag
    assert tree.stat(at("/x.pdf")) == after
    assert contents(tree, "/x.pdf") == [b"one"]


def test_a_folder_that_is_replaced_goes_to_the_trash(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.pdf", b"old")
    put(tree, "/file.pdf", b"file")
    tree.move(at("/file.pdf"), at("/a"))
    assert read(tree, "/a") == b"file"
    (trashed,) = tree.trash()
    tree.restore(trashed.id, at("/b"))
    assert read(tree, "/b/x.pdf") == b"old"


def test_versions_follow_their_file_and_do_not_stay_with_the_name(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.pdf", b"one")
    put(tree, "/a/x.pdf", b"two")
    tree.move(at("/a/x.pdf"), at("/a/y.pdf"))
    tree.move(at("/a"), at("/b"))
    put(tree, "/b/y.pdf", b"three")
    assert contents(tree, "/b/y.pdf") == [b"two", b"one"]
    put(tree, "/b/x.pdf", b"unrelated")
    assert contents(tree, "/b/x.pdf") == []


def test_versions_come_back_with_a_restored_file(tree: Tree) -> None:
    put(tree, "/x.pdf", b"one")
    put(tree, "/x.pdf", b"two")
    trashed = tree.delete(at("/x.pdf"))
    assert trashed is not None
    tree.restore(trashed.id)
    assert contents(tree, "/x.pdf") == [b"one"]


def test_a_restored_version_is_the_content_and_todays_becomes_a_version(tree: Tree) -> None:
    before = put(tree, "/x.pdf", b"one").entry
    put(tree, "/x.pdf", b"two")
    put(tree, "/x.pdf", b"three")
    version = next(v for v in tree.versions(at("/x.pdf")) if read_version(tree, "/x.pdf", v) == b"one")
    restored = tree.restore_version(at("/x.pdf"), version.id)
    assert not restored.created
    assert restored.entry.id == before.id
    assert tree.stat(at("/x.pdf")) == restored.entry
    assert read(tree, "/x.pdf") == b"one"
    assert contents(tree, "/x.pdf")[:2] == [b"three", b"two"]
    assert tree.usage().used == 3


def test_a_version_is_restored_in_a_folder_below_folders(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    tree.make_folder(at("/a/b"))
    put(tree, "/a/b/x.pdf", b"one")
    put(tree, "/a/b/x.pdf", b"two")
    (version,) = tree.versions(at("/a/b/x.pdf"))
    tree.restore_version(at("/a/b/x.pdf"), version.id)
    assert read(tree, "/a/b/x.pdf") == b"one"
    assert contents(tree, "/a/b/x.pdf")[0] == b"two"


def test_a_purged_version_is_gone(tree: Tree) -> None:
    put(tree, "/x.pdf", b"one")
    put(tree, "/x.pdf", b"two")
    (version,) = tree.versions(at("/x.pdf"))
    tree.purge_version(at("/x.pdf"), version.id)
    assert contents(tree, "/x.pdf") == []
    with pytest.raises(NotFound):
        tree.open_version(at("/x.pdf"), version.id)
    assert tree.usage().used == 3


def test_no_file_gives_access_to_the_versions_of_another(tree: Tree) -> None:
    put(tree, "/x.pdf", b"one")
    put(tree, "/x.pdf", b"two")
    put(tree, "/y.pdf", b"other")
    (version,) = tree.versions(at("/x.pdf"))
    with pytest.raises(NotFound):
        tree.open_version(at("/y.pdf"), version.id)


def test_the_trash_is_swept_after_thirty_days(storage: Storage, clock: Clock) -> None:
    tree = storage.tree("alice")
    put(tree, "/x.pdf", PDF)
    tree.delete(at("/x.pdf"))
    clock.forward(days=29.9)
    storage.sweep()
    assert len(list(tree.trash())) == 1
    clock.forward(days=0.2)
    storage.sweep()
    assert list(tree.trash()) == []
    assert tree.usage().used == 0


def test_versions_are_thinned_to_one_a_day_and_end_after_a_month(storage: Storage, clock: Clock) -> None:
    tree = storage.tree("alice")
    for number in range(6):
        put(tree, "/x.pdf", b"%d" % number)
    storage.sweep()
    assert len(contents(tree, "/x.pdf")) == 5
    clock.forward(days=2)
    storage.sweep()
    assert contents(tree, "/x.pdf")[0] == b"4"
    assert 1 <= len(contents(tree, "/x.pdf")) <= 2  # two when the test ran over midnight
    clock.forward(days=30)
    storage.sweep()
    assert contents(tree, "/x.pdf") == []
    assert read(tree, "/x.pdf") == b"5"
