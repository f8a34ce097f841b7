"""What people put on the disk by hand: files appear, and nothing planted leads out of a user's folder."""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.trees import Bytes, at, names, put, read, tree_of

from filehost_dav.errors import FilehostError, NotFound, Refused
from filehost_dav.storage.local import LocalStorage, kernel
from filehost_dav.storage.tree import Tree

SECRET = b"secret of bob"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalStorage]:
    storage = LocalStorage(tmp_path, durability="none")
    yield storage
    storage.close()


@pytest.fixture
def tree(local: LocalStorage) -> Tree:
    return local.tree("alice")


@pytest.fixture
def home(tree: Tree, tmp_path: Path) -> Path:
    """Alice's folder on the disk."""
    assert tree.stat(at("/")).is_folder
    return tmp_path / "files" / "alice"


@pytest.fixture
def elsewhere(local: LocalStorage, tmp_path: Path) -> Path:
    """Bob's folder, which has a file."""
    put(local.tree("bob"), "/secret.txt", SECRET)
    return tmp_path / "files" / "bob"


def test_a_file_put_there_by_hand_is_served_and_can_be_changed(tree: Tree, home: Path) -> None:
    (home / "by hand").mkdir()
    (home / "by hand" / "a.txt").write_bytes(b"hand")
    assert read(tree, "/by hand/a.txt") == b"hand"
    put(tree, "/by hand/a.txt", b"server")
    assert (home / "by hand" / "a.txt").read_bytes() == b"server"
    assert [version.size for version in tree.versions(at("/by hand/a.txt"))] == [4]


def test_a_change_made_in_place_changes_the_tag_and_forgets_the_checksums(tree: Tree, home: Path) -> None:
    put(tree, "/a.txt", b"one")
    before = put(tree, "/a.txt", b"two").entry
    with (home / "a.txt").open("r+b") as file:
        file.write(b"TWO")
    assert tree.stat(at("/a.txt")).etag != before.etag
    assert tree.checksums(at("/a.txt")) == {}
    put(tree, "/a.txt", b"three")
    assert len(list(tree.versions(at("/a.txt")))) == 2


@pytest.mark.parametrize("kind", ["relative", "absolute", "dangling", "itself"])
def test_a_planted_link_is_nothing_and_leads_nowhere(
    tree: Tree, home: Path, elsewhere: Path, kind: str
) -> None:
    target = {
        "relative": Path("../bob"),
        "absolute": elsewhere,
        "dangling": Path("nowhere"),
        "itself": Path("link"),
    }[kind]
    (home / "link").symlink_to(target)
    (home / "link.txt").symlink_to(target / "secret.txt")
    before = tree_of(tree)
    attempts: list[Callable[[], object]] = [
        lambda: tree.open(at("/link/secret.txt")),
        lambda: tree.open(at("/link.txt")),
        lambda: tree.stat(at("/link")),
        lambda: tree.stat(at("/link/secret.txt")),
        lambda: list(tree.list(at("/link"))),
        lambda: put(tree, "/link/new.txt", b"x"),
        lambda: put(tree, "/link.txt", b"x"),
        lambda: tree.make_folder(at("/link/new")),
        lambda: tree.delete(at("/link/secret.txt")),
        lambda: tree.delete(at("/link.txt")),
        lambda: tree.move(at("/link/secret.txt"), at("/mine.txt")),
        lambda: tree.copy(at("/link"), at("/mine")),
        lambda: tree.set_modified(at("/link.txt"), 10**18),
    ]
    for attempt in attempts:
        with pytest.raises(FilehostError):
            attempt()
    assert tree_of(tree) == before == {}
    assert (elsewhere / "secret.txt").read_bytes() == SECRET
    assert os.listdir(elsewhere) == ["secret.txt"]
    assert (home / "link.txt").is_symlink()


def test_a_link_inside_a_folder_is_not_copied_and_stays_harmless_in_the_trash(
    tree: Tree, home: Path, elsewhere: Path
) -> None:
    tree.make_folder(at("/a"))
    put(tree, "/a/x.txt", b"x")
    (home / "a" / "link").symlink_to(elsewhere)
    tree.copy(at("/a"), at("/b"))
    assert os.listdir(home / "b") == ["x.txt"]
    trashed = tree.delete(at("/a"))
    assert trashed is not None
    with pytest.raises(FilehostError):
        tree.open_trashed(trashed.id, ("link", "secret.txt"))
    tree.purge(trashed.id)
    assert (elsewhere / "secret.txt").read_bytes() == SECRET


def test_a_folder_swapped_for_a_link_while_uploading_leads_nowhere(
    tree: Tree, home: Path, elsewhere: Path
) -> None:
    tree.make_folder(at("/a"))

    class Swapping(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            if not (home / "a").is_symlink():
                (home / "a").rename(home / "moved")
                (home / "a").symlink_to(elsewhere)
            return super().readinto(buffer)

    with pytest.raises(FilehostError):
        tree.write(at("/a/secret.txt"), Swapping(bytes(200_000)))
    assert (elsewhere / "secret.txt").read_bytes() == SECRET
    assert os.listdir(home / "moved") == []


def test_pipes_sockets_and_devices_are_not_served_and_do_not_block(tree: Tree, home: Path) -> None:
    os.mkfifo(home / "pipe.txt")
    os.mknod(home / "null.txt", 0o666 | 0o020000, os.makedev(1, 3))
    put(tree, "/a.txt", b"a")
    assert names(tree) == {"a.txt"}
    for path in ("/pipe.txt", "/null.txt"):
        with pytest.raises(NotFound):
            tree.stat(at(path))
        with pytest.raises(NotFound):
            tree.open(at(path))
        with pytest.raises(Refused):
            put(tree, path, b"x")
    assert (home / "pipe.txt").is_fifo()


def test_names_that_cannot_be_served_are_left_out_and_left_alone(tree: Tree, home: Path) -> None:
    put(tree, "/good.txt", b"x")
    for name in (b"\xff\xfe.txt", b"new\nline.txt", b"tab\t.txt", "\u212aelvin.txt".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(home), name))).write_bytes(b"odd")
    assert names(tree) == {"good.txt"}
    scan = tree.scan(at("/"))
    assert scan is not None
    assert {name for name, _, _ in scan} == {"good.txt"}
    tree.make_folder(at("/copy"))
    assert len(os.listdir(home)) == 6


def test_our_own_names_are_neither_shown_nor_reachable(tree: Tree, home: Path) -> None:
    (home / ".filehost-1.2.3.abc").write_bytes(b"half")
    (home / ".filehost-folder").mkdir()
    assert names(tree) == set()
    for path in ("/.filehost-new", "/.filehost-folder/x"):
        with pytest.raises(Refused):
            put(tree, path, b"x")
        with pytest.raises(Refused):
            tree.make_folder(at(path))
    with pytest.raises(FilehostError):
        tree.open(at("/.filehost-1.2.3.abc"))
    with pytest.raises(FilehostError):
        tree.delete(at("/.filehost-1.2.3.abc"))


MIXED = "e\u0301\u00fc"  # é decomposed, ü composed: neither usual form


@pytest.mark.parametrize("form", [unicodedata.normalize("NFD", "éü"), MIXED], ids=["decomposed", "mixed"])
def test_a_tree_brought_from_a_mac_works_under_its_composed_names(tree: Tree, home: Path, form: str) -> None:
    composed = unicodedata.normalize("NFC", form)
    (home / form).mkdir()
    (home / form / f"{form}.txt").write_bytes(b"mac")
    path = f"/{composed}/{composed}.txt"
    assert tree_of(tree) == {f"/{composed}": None, path: b"mac"}
    assert tree.stat(at(path)).size == 3
    put(tree, path, b"changed")
    assert read(tree, path) == b"changed"
    assert [version.size for version in tree.versions(at(path))] == [3]
    assert len(os.listdir(home / form)) == 1
    with pytest.raises(FilehostError):
        tree.make_folder(at(f"/{composed}"))
    trashed = tree.delete(at(path))
    assert trashed is not None
    tree.restore(trashed.id)
    tree.move(at(f"/{composed}"), at("/plain"))
    assert tree_of(tree) == {"/plain": None, f"/plain/{composed}.txt": b"changed"}


def test_of_two_forms_of_one_name_one_is_shown(tree: Tree, home: Path) -> None:
    composed, decomposed = "é.txt", unicodedata.normalize("NFD", "é.txt")
    (home / decomposed).write_bytes(b"other")
    (home / composed).write_bytes(b"one")
    assert [entry.path.name for entry in tree.list(at("/"))] == [composed]
    assert read(tree, "/é.txt") == b"one"


def test_listing_while_files_come_and_go_never_fails(tree: Tree, home: Path) -> None:
    for number in range(50):
        (home / f"{number}.txt").write_bytes(b"x")
    seen = 0
    for entry in tree.list(at("/")):
        seen += 1
        for number in range(50):
            (home / f"{number}.txt").unlink(missing_ok=True)
        assert entry.size == 1
    assert seen >= 1


def test_two_links_of_one_file_become_one_name_by_a_move(tree: Tree, home: Path) -> None:
    put(tree, "/a.txt", b"x")
    (home / "b.txt").hardlink_to(home / "a.txt")
    tree.move(at("/a.txt"), at("/b.txt"))
    assert tree_of(tree) == {"/b.txt": b"x"}
    assert list(tree.versions(at("/b.txt"))) == []
    (home / "c.txt").hardlink_to(home / "b.txt")
    put(tree, "/b.txt", b"changed")
    assert (home / "c.txt").read_bytes() == b"x"


def test_an_open_file_tells_its_place_to_a_front_server(tree: Tree, home: Path) -> None:
    put(tree, "/a.txt", b"x")
    with tree.open(at("/a.txt")) as content:
        assert content.offload() == str(home / "a.txt")
        (home / "a.txt").unlink()
        assert content.offload() is None


def test_a_folder_removed_while_it_is_listed_ends_the_listing(tree: Tree, home: Path) -> None:
    (home / "a").mkdir()
    opened = tree.list(at("/a"))
    (home / "a").rmdir()
    assert list(opened) == []


@pytest.mark.parametrize("opened", [kernel.open_beneath, kernel.open_walking])
def test_no_link_is_followed_anywhere_in_a_path(tmp_path: Path, opened: Callable[[int, str, int], int]) -> None:
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "b" / "c.txt").write_bytes(b"x")
    (tmp_path / "root" / "a" / "link").symlink_to("b")
    (tmp_path / "root" / "link").symlink_to("a")
    (tmp_path / "root" / "a" / "b" / "link.txt").symlink_to("c.txt")
    root = os.open(tmp_path / "root", os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    os.close(opened(root, "a/b/c.txt", os.O_RDONLY))
    for path in ("a/link/c.txt", "link/b/c.txt", "a/b/link.txt"):
        with pytest.raises(OSError, match=f"Errno ({errno.ELOOP}|{errno.ENOTDIR})"):
            opened(root, path, os.O_RDONLY)
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(root)


@pytest.mark.parametrize("rename", [kernel.rename_new, kernel.rename_checked])
def test_a_rename_to_a_new_name_never_replaces(
    tmp_path: Path, rename: Callable[[int, str, int, str], None]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(FileExistsError):
        rename(folder, "a", folder, "b")
    rename(folder, "a", folder, "c")
    os.close(folder)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"b": "b", "c": "a"}
