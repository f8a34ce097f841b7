"""What every Tree promises, whatever stores it."""

from __future__ import annotations

import pytest

from filehost_dav.errors import (
    ChecksumMismatch,
    ConditionFailed,
    Exists,
    IntoItself,
    IsAFolder,
    NotFound,
    ParentMissing,
    Truncated,
)
from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import ABSENT, Storage, Tree


class Bytes:
    """A body that holds `content`, and breaks off when it announces more."""

    def __init__(self, content: bytes, length: int | None = -1) -> None:
        self.length = len(content) if length == -1 else length
        self._rest = memoryview(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def at(text: str) -> FilePath:
    return FilePath.parse(text)


def read(tree: Tree, path: str) -> bytes:
    with tree.open(at(path)) as content:
        return b"".join(content.blocks(0, content.entry.size))


def names(tree: Tree, path: str = "/") -> set[str]:
    return {entry.path.name for entry in tree.list(at(path))}


def test_a_written_file_reads_back_byte_for_byte(tree: Tree) -> None:
    written = tree.write(at("/a.txt"), Bytes(b"hello"))
    assert written.created
    assert read(tree, "/a.txt") == b"hello"
    assert tree.stat(at("/a.txt")) == written.entry


def test_every_write_has_its_own_tag(tree: Tree) -> None:
    tags = {tree.write(at("/a.txt"), Bytes(b"same"), modified=10**18).entry.etag for _ in range(50)}
    assert len(tags) == 50


def test_a_short_body_leaves_the_old_file(tree: Tree) -> None:
    tree.write(at("/a.txt"), Bytes(b"old"))
    with pytest.raises(Truncated):
        tree.write(at("/a.txt"), Bytes(b"ne", length=3))
    assert read(tree, "/a.txt") == b"old"
    assert names(tree) == {"a.txt"}


def test_a_wrong_checksum_stores_nothing(tree: Tree) -> None:
    with pytest.raises(ChecksumMismatch):
        tree.write(at("/a.txt"), Bytes(b"x"), checksums={"sha1": "0" * 40})
    assert names(tree) == set()


def test_absent_fails_where_something_is(tree: Tree) -> None:
    tree.write(at("/a.txt"), Bytes(b"x"), when=ABSENT)
    with pytest.raises(ConditionFailed):
        tree.write(at("/a.txt"), Bytes(b"y"), when=ABSENT)
    assert read(tree, "/a.txt") == b"x"


@pytest.mark.parametrize("path", ["/no/a.txt", "/a.txt/b.txt"])
def test_a_file_needs_its_folder(tree: Tree, path: str) -> None:
    tree.write(at("/a.txt"), Bytes(b"x"))
    with pytest.raises(ParentMissing):
        tree.write(at(path), Bytes(b"x"))
    with pytest.raises(ParentMissing):
        tree.make_folder(at(path))
    with pytest.raises(NotFound):
        tree.stat(at("/no/a.txt"))


def test_folders_are_made_listed_moved_and_deleted_whole(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    with pytest.raises(Exists):
        tree.make_folder(at("/a"))
    tree.write(at("/a/x.txt"), Bytes(b"x"))
    tree.move(at("/a"), at("/b"))
    assert names(tree) == {"b"}
    assert read(tree, "/b/x.txt") == b"x"
    tree.copy(at("/b"), at("/c"))
    assert read(tree, "/c/x.txt") == b"x"
    tree.copy(at("/b"), at("/d"), deep=False)
    assert names(tree, "/d") == set()
    tree.delete(at("/b"))
    assert names(tree) == {"c", "d"}


def test_a_folder_does_not_go_into_itself(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    for change in (tree.copy, tree.move):
        with pytest.raises(IntoItself):
            change(at("/a"), at("/a/b"))


def test_a_folder_cannot_be_opened_or_overwritten_by_a_body(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    with pytest.raises(IsAFolder):
        tree.open(at("/a"))
    with pytest.raises(IsAFolder):
        tree.write(at("/a"), Bytes(b"x"))


def test_one_user_never_sees_another(storage: Storage) -> None:
    storage.tree("alice").write(at("/a.txt"), Bytes(b"x"))
    assert names(storage.tree("bob")) == set()
    with pytest.raises(NotFound):
        storage.tree("bob").stat(at("/a.txt"))
