"""Local storage as systems without directory descriptors and without records would have it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.trees import at, names, put, read, tree_of

from filehost_dav.errors import FilehostError
from filehost_dav.storage import LocalStorage
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
