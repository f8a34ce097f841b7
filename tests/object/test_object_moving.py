"""Leaving one storage for another: the same bytes, names and times, with nothing lost on the way."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest
from testbed.bodies import Bytes
from testbed.soundness import problems

from filehost_dav.errors import ConfigError, Exists
from filehost_dav.paths import Area, FilePath
from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.moving import move_records
from filehost_dav.state.properties import Properties
from filehost_dav.state.schema import migrate
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.object.identity import adopt, confirm
from filehost_dav.storage.object.manifest import Manifests, rebuild
from filehost_dav.storage.transfer import copy_tree, export_tree, import_tree
from filehost_dav.storage.tree import Metadata, Tree

NAMES = ("/a b/Ünï cödé.txt", "/a b/deep/x.pdf", "/empty.txt", "/~$lock.docx", "/日本/語.png")
TIME = 1_500_000_000_123_456_789


def at(text: str, area: Area = Area.FILES) -> FilePath:
    return FilePath.parse(text).in_area(area)


def fill(tree: Tree) -> None:
    for folder in ("/a b", "/a b/deep", "/日本", "/nothing in it"):
        tree.make_folder(at(folder))
    for number, name in enumerate(NAMES):
        content = b"" if "empty" in name else name.encode() * (number * 1000 + 1)
        tree.write(at(name), Bytes(content), metadata=Metadata(modified=TIME + number * 10**9))
    tree.write(at("/a b/._x", Area.SIDE), Bytes(b"side"))


def facts(tree: Tree, folder: FilePath | None = None) -> dict[str, tuple[bytes | None, int]]:
    """Every path with its bytes (None for folders) and its time in seconds."""
    found: dict[str, tuple[bytes | None, int]] = {}
    for entry in tree.list(folder or FilePath.root()):
        if entry.is_folder:
            found[str(entry.path)] = (None, 0)
            found |= facts(tree, entry.path)
        else:
            with tree.open(entry.path) as content:
                read = b"".join(content.blocks(0, content.entry.size))
            found[str(entry.path)] = (read, entry.modified // 10**9)
    return found


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "local", durability="none")


@pytest.fixture
def other(tmp_path: Path) -> SqliteDatabase:
    """A second, empty database."""
    database = SqliteDatabase(tmp_path / "other.sqlite3")
    migrate(database)
    return database


def test_there_and_back_again(local: LocalStorage, storage: ObjectStorage, tmp_path: Path) -> None:
    tree = local.tree("alice")
    fill(tree)
    before = facts(tree)
    outcomes = {moved.outcome for moved in copy_tree(tree, storage.tree("alice"))}
    assert outcomes == {"copied"}
    assert facts(storage.tree("alice")) == before
    back = LocalStorage(tmp_path / "back", durability="none")
    list(copy_tree(storage.tree("alice"), back.tree("alice")))
    assert facts(back.tree("alice")) == before
    with back.tree("alice").open(at("/a b/._x", Area.SIDE)) as content:
        assert b"".join(content.blocks(0, 4)) == b"side"


def test_trash_and_versions_go_along_both_ways(
    local: LocalStorage, storage: ObjectStorage, tmp_path: Path
) -> None:
    tree = local.tree("alice")
    fill(tree)
    for content in (b"second", b"third"):
        tree.write(at("/a b/deep/x.pdf"), Bytes(content), metadata=Metadata(modified=TIME))
    for name in ("/a b", "/日本/語.png"):
        tree.delete(at(name))
    for content in (b"one", b"two", b"six"):
        tree.write(at("/new.txt"), Bytes(content), metadata=Metadata(modified=TIME))
    back = LocalStorage(tmp_path / "back", durability="none").tree("alice")
    way = [tree, storage.tree("alice"), back]
    for source, target in itertools.pairwise(way):
        list(copy_tree(source, target))
        assert {moved.outcome for moved in copy_tree(source, target)} <= {"same"}
    for there in way[1:]:
        assert kept(there) == kept(tree)
        assert earlier(there, at("/new.txt")) == earlier(tree, at("/new.txt"))
        assert list(there.list(at("/", Area.STAGING))) == []
        folder = next(trashed for trashed in there.trash() if trashed.entry.is_folder)
        there.restore(folder.id)
        with there.open(at("/a b/deep/x.pdf")) as content:
            assert b"".join(content.blocks(0, content.entry.size)) == b"third"


def earlier(tree: Tree, path: FilePath) -> list[tuple[int, bytes]]:
    """When each version of a file was replaced, and its bytes."""
    found = []
    for version in tree.versions(path):
        with tree.open_version(path, version.id) as content:
            found.append((version.replaced, b"".join(content.blocks(0, version.size))))
    return found


def kept(tree: Tree) -> set[tuple[str, int, int, int]]:
    """What is in the trash: whence it came, when, its bytes, and its time in seconds."""
    return {
        (str(trashed.origin), trashed.deleted, trashed.size, (trashed.entry.modified + 500_000) // 10**9)
        for trashed in tree.trash()
    }


def test_a_second_pass_copies_only_what_changed(local: LocalStorage, storage: ObjectStorage) -> None:
    source, target = local.tree("alice"), storage.tree("alice")
    fill(source)
    list(copy_tree(source, target))
    source.write(at(NAMES[0]), Bytes(b"changed meanwhile"))
    source.delete(at("/a b/deep"))
    source.write(at("/new.txt"), Bytes(b"new"))
    outcomes = {moved.place: moved.outcome for moved in copy_tree(source, target) if moved.outcome != "same"}
    assert outcomes == {NAMES[0]: "copied", "/new.txt": "copied", "/a b/deep": "removed"}
    assert facts(target) == facts(source)


def test_a_file_that_becomes_a_folder_is_replaced(local: LocalStorage, storage: ObjectStorage) -> None:
    source, target = local.tree("alice"), storage.tree("alice")
    source.write(at("/x"), Bytes(b"file"))
    list(copy_tree(source, target))
    source.delete(at("/x"))
    source.make_folder(at("/x"))
    list(copy_tree(source, target))
    assert target.stat(at("/x")).is_folder


def test_an_export_is_plain_folders_and_an_import_takes_them_back(
    storage: ObjectStorage, tmp_path: Path
) -> None:
    tree = storage.tree("alice")
    fill(tree)
    list(export_tree(tree, tmp_path / "out"))
    assert (tmp_path / "out" / "a b" / "deep" / "x.pdf").stat().st_mtime_ns // 10**9 == TIME // 10**9 + 1
    with pytest.raises(Exists):
        list(export_tree(tree, tmp_path / "out"))
    os.symlink("/etc/passwd", tmp_path / "out" / "link.txt")
    list(import_tree(tmp_path / "out", storage.tree("bob")))
    assert facts(storage.tree("bob")) == facts(tree)


def test_a_tree_is_rebuilt_from_its_bucket_alone(
    storage: ObjectStorage, database: Database, folder_blobs: FolderBlobs, other: SqliteDatabase
) -> None:
    confirm(database, folder_blobs)
    tree = storage.tree("alice")
    fill(tree)
    Manifests(database, folder_blobs, lambda: time.time_ns() - 2 * 10**9).write_all()
    tree.write(at("/after the manifest.txt"), Bytes(b"newer"))
    tree.write(at(NAMES[0]), Bytes(b"newest"))
    storage.tree("bob").write(at("/bob.txt"), Bytes(b"of a user without a manifest"))
    adopt(other, folder_blobs)
    list(rebuild(other, folder_blobs, time.time_ns))
    again = ObjectStorage(other, folder_blobs)
    contents = {path: content for path, (content, _) in facts(again.tree("alice")).items()}
    assert contents == {path: content for path, (content, _) in facts(tree).items()}
    assert set(facts(again.tree("bob"))) == {"/bob.txt"}
    assert "lost" not in problems(other, folder_blobs)


def test_dead_properties_are_rebuilt_too(
    storage: ObjectStorage, database: Database, folder_blobs: FolderBlobs, other: SqliteDatabase
) -> None:
    fill(storage.tree("alice"))
    hours = itertools.count(1, 3600 * 10**9)
    manifests, kept = Manifests(database, folder_blobs, lambda: next(hours)), Properties(database)
    manifests.write_all()
    for place in ("/", "/a b", NAMES[0], "/a b/._x"):
        kept.change("alice", at(place), [("{urn:x}where", f'<where xmlns="urn:x">{place}</where>')])
    manifests.write_all()  # nothing else has changed
    list(rebuild(other, folder_blobs, time.time_ns))
    assert Properties(other).all_of("alice") == kept.all_of("alice") != {}


def test_manifests_are_few_and_only_of_what_changed(
    storage: ObjectStorage, database: Database, folder_blobs: FolderBlobs
) -> None:
    now = [1_800_000_000 * 10**9]
    manifests = Manifests(database, folder_blobs, lambda: now[0])
    for number in range(5):
        storage.tree("alice").write(at("/x.txt"), Bytes(b"%d" % number))
        for _ in range(2):
            manifests.write_due()
            now[0] += 25 * 3600 * 10**9
    assert len(list(folder_blobs.list("manifest/"))) == 3
    assert [line.path for line in manifests.newest("alice")[1]] == ["x.txt"]


def test_a_server_refuses_the_bucket_of_another(
    database: Database, folder_blobs: FolderBlobs, other: SqliteDatabase, tmp_path: Path
) -> None:
    confirm(database, folder_blobs)
    confirm(database, folder_blobs)
    with pytest.raises(ConfigError, match="another"):
        confirm(other, folder_blobs)
    second = FolderBlobs(tmp_path / "second")
    confirm(other, second)
    with pytest.raises(ConfigError, match="another"):
        confirm(database, second)
    stranger = FolderBlobs(tmp_path / "stranger")
    stranger.put("b/00/someone", b"else's", {})
    with pytest.raises(ConfigError, match="not of this server"):
        confirm(other, stranger)


def test_the_records_move_to_another_database(
    storage: ObjectStorage, database: Database, folder_blobs: FolderBlobs, tmp_path: Path
) -> None:
    source = SqliteDatabase(tmp_path / "source.sqlite3")
    migrate(source)
    old = ObjectStorage(source, folder_blobs)
    fill(old.tree("alice"))
    moved = dict(move_records(source, database))
    assert moved["node"] > len(NAMES)
    assert facts(storage.tree("alice")) == facts(old.tree("alice"))
    with pytest.raises(Exists):
        list(move_records(source, database))
    assert problems(database, folder_blobs) == {}
