"""Local storage as systems without directory descriptors and without records would have it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.trees import at, names, put, read, tree_of

from filehost_dav.errors import FilehostError, Unavailable
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.local.copying import copy_bytes
from filehost_dav.storage.local.folders import Folder
from filehost_dav.storage.local.plain import PlainFolder
from filehost_dav.storage.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    storage = LocalStorage(tmp_path, durability="full", open_root=PlainFolder.at)
    yield storage.tree("alice")
    storage.close()


def test_a_planted_link_leads_nowhere(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"secret")
    home = tmp_path / "files" / "alice"
    (home / "link").symlink_to(tmp_path)
    (home / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert names(tree) == set()
    for path in ("/link.txt", "/link/secret.txt"):
        with pytest.raises(FilehostError):
            read(tree, path)
        with pytest.raises(FilehostError):
            put(tree, path, b"x")
    assert (tmp_path / "secret.txt").read_bytes() == b"secret"


def test_a_day_of_work(tree: Tree) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.txt", b"one")
    put(tree, "/a/x.txt", b"two")
    tree.move(at("/a"), at("/b"))
    tree.copy(at("/b"), at("/c"))
    trashed = tree.delete(at("/b"))
    assert trashed is not None
    tree.restore(trashed.id)
    assert tree_of(tree) == {"/b": None, "/b/x.txt": b"two", "/c": None, "/c/x.txt": b"two"}
    assert [version.size for version in tree.versions(at("/b/x.txt"))] == [3]
    assert tree.usage().used == 6


class WithoutLinks(PlainFolder):
    """A file system on which a file has one name."""

    def link(self, _name: str, _target: Folder, _target_relative: str) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_versions_are_kept_on_a_disk_without_hard_links(tmp_path: Path) -> None:
    tree = LocalStorage(tmp_path, durability="none", open_root=WithoutLinks.at).tree("alice")
    for content in (b"one", b"two", b"three"):
        put(tree, "/a.txt", content)
    assert read(tree, "/a.txt") == b"three"
    assert [version.size for version in tree.versions(at("/a.txt"))] == [3, 3]
    assert tree.usage().used == 5
    (newest, oldest) = tree.versions(at("/a.txt"))
    with tree.open_version(at("/a.txt"), oldest.id) as content:
        assert b"".join(content.blocks(0, 3)) == b"one"
    assert newest.replaced > oldest.replaced


class Refusing(PlainFolder):
    """A disk on which nothing new can be named `target`."""

    def rename_new(self, name: str, target: Folder, target_name: str) -> None:
        if target_name == "target" and not name.endswith("-target"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().rename_new(name, target, target_name)


@pytest.mark.parametrize("kind", ["copy", "move"])
def test_what_should_have_been_replaced_is_put_back_when_the_disk_fails(tmp_path: Path, kind: str) -> None:
    home = tmp_path / "files" / "alice"
    (home / "target").mkdir(parents=True)
    (home / "target" / "old.txt").write_bytes(b"old")
    (home / "source").mkdir()
    (home / "source" / "new.txt").write_bytes(b"new")
    tree = LocalStorage(tmp_path, durability="none", open_root=Refusing.at).tree("alice")
    before = tree_of(tree)
    with pytest.raises(Unavailable):
        getattr(tree, kind)(at("/source"), at("/target"))
    assert tree_of(tree) == before
    assert list(tree.trash()) == []
    assert tree.usage().used == 6


@pytest.mark.parametrize("size", [0, 5, 2_000_000])
def test_bytes_are_copied_by_hand_where_the_kernel_does_not(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "original").write_bytes(content)
    original = os.open(tmp_path / "original", os.O_RDONLY)
    # The kernel copies nothing to a file that is open for appending.
    copied = os.open(tmp_path / "copied", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    copy_bytes(original, copied)
    os.close(original)
    os.close(copied)
    assert (tmp_path / "copied").read_bytes() == content
