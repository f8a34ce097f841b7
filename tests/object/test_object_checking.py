"""What the check finds between rows and bucket, what it mends, and that it loses nothing."""

from __future__ import annotations

import os
import time

import pytest
from testbed.bodies import Bytes
from testbed.soundness import problems

from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.blobs import key_of, new_id
from filehost_dav.storage.object.checking import Checker, Finding
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.object.tree import ObjectTree


def at(text: str) -> FilePath:
    return FilePath.parse(text)


@pytest.fixture
def tree(storage: ObjectStorage) -> ObjectTree:
    """A folder with a file that has a version, and a deleted file."""
    tree = storage.tree("alice")
    tree.make_folder(at("/a"))
    for content in (b"first", b"second"):
        tree.write(at("/a/x.txt"), Bytes(content))
    tree.write(at("/y.txt"), Bytes(b"deleted"))
    tree.delete(at("/y.txt"))
    return tree


@pytest.fixture
def checker(database: Database, folder_blobs: FolderBlobs) -> Checker:
    return Checker(database, folder_blobs, time.time_ns)


def change(database: Database, sql: str, *parameters: object) -> None:
    with database.transaction() as rows:
        rows.execute(sql, parameters)


def found(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.kind, finding.user, finding.place) for finding in findings]


def blob_of(database: Database, name: str) -> str:
    ((blob,),) = database.query("SELECT blob FROM node WHERE name = ?", (name,))
    return str(blob)


def test_all_is_well(tree: ObjectTree, checker: Checker) -> None:
    assert list(checker.inspect()) == []
    assert [scrubbed.findings for scrubbed in checker.scrub()] == [(), (), ()]


def test_a_lost_content_is_told_by_its_path_and_stays(
    tree: ObjectTree, checker: Checker, database: Database, folder_blobs: FolderBlobs
) -> None:
    tree.copy(at("/a/x.txt"), at("/copy.txt"))
    folder_blobs.delete([key_of(blob_of(database, "copy.txt"))])
    for look in (checker.inspect, checker.repair):
        findings = sorted(found(list(look())))
        assert findings == [("lost", "alice", "/a/x.txt"), ("lost", "alice", "/copy.txt")]
    assert {entry.path.name for entry in tree.list(at("/"))} == {"a", "copy.txt"}


def test_a_content_of_the_wrong_size_is_damaged(
    tree: ObjectTree, checker: Checker, database: Database, folder_blobs: FolderBlobs
) -> None:
    folder_blobs.put(key_of(blob_of(database, "x.txt")), b"short", {})
    assert found(list(checker.inspect())) == [("damaged", "alice", "/a/x.txt")]


def test_rot_is_found_by_reading(
    tree: ObjectTree, checker: Checker, database: Database, folder_blobs: FolderBlobs
) -> None:
    folder_blobs.put(key_of(blob_of(database, "x.txt")), b"sEcond", {})
    assert list(checker.inspect()) == []
    findings = [finding for scrubbed in checker.scrub() for finding in scrubbed.findings]
    assert found(findings) == [("damaged", "alice", "/a/x.txt")]


def test_an_object_without_a_row_is_removed_when_it_is_a_day_old(
    tree: ObjectTree, checker: Checker, database: Database, folder_blobs: FolderBlobs
) -> None:
    old, young = key_of(new_id()), key_of(new_id())
    for key in (old, young):
        folder_blobs.put(key, b"whose?", {})
    yesterday = time.time() - 100_000
    os.utime(folder_blobs._folder / old, (yesterday, yesterday))
    assert found(list(checker.repair())) == [("orphan", "", old)]
    keys = {stored.key for stored in folder_blobs.list("b/")}
    assert young in keys
    assert old not in keys
    folder_blobs.delete([young])


def test_wrong_usage_is_counted_anew(tree: ObjectTree, checker: Checker, database: Database) -> None:
    change(database, "UPDATE space SET used = used + 7, kept = 0")
    assert [kind for kind, *_ in found(list(checker.inspect()))] == ["usage"]
    assert [finding.mended for finding in checker.repair()] == [True]
    assert list(checker.inspect()) == []


def test_a_row_that_hangs_nowhere_is_put_into_the_trash_with_all_below(
    tree: ObjectTree, checker: Checker, database: Database, folder_blobs: FolderBlobs
) -> None:
    change(database, "UPDATE node SET parent = 12345 WHERE name = 'a'")
    assert ("astray", "alice", "a") in found(list(checker.inspect()))
    list(checker.repair())
    list(checker.repair())
    trashed = next(item for item in tree.trash() if item.origin == at("/a"))
    tree.restore(trashed.id)
    with tree.open(at("/a/x.txt")) as content:
        assert b"".join(content.blocks(0, 6)) == b"second"
    assert problems(database, folder_blobs) == {}


def test_a_ring_of_folders_is_opened(
    tree: ObjectTree, checker: Checker, database: Database, folder_blobs: FolderBlobs
) -> None:
    tree.make_folder(at("/a/b"))
    change(
        database,
        "UPDATE node SET parent = (SELECT id FROM node AS other WHERE other.name = 'b') WHERE name = 'a'",
    )
    list(checker.repair())
    list(checker.repair())
    assert problems(database, folder_blobs) == {}


def test_a_content_marked_dead_by_mistake_is_kept(
    tree: ObjectTree, checker: Checker, database: Database, storage: ObjectStorage, folder_blobs: FolderBlobs
) -> None:
    change(database, "UPDATE blob SET state = 2, since = 5 WHERE id = ?", blob_of(database, "x.txt"))
    assert found(list(checker.repair())) == [("asleep", "alice", "/a/x.txt")]
    storage.sweep()
    assert problems(database, folder_blobs) == {}


def test_an_unused_content_is_left_to_the_cleaner(
    tree: ObjectTree, checker: Checker, database: Database, folder_blobs: FolderBlobs
) -> None:
    change(database, "UPDATE version SET blob = ?", blob_of(database, "x.txt"))
    assert "unused" in {finding.kind for finding in checker.repair()}
    assert {finding.kind for finding in checker.inspect()} == set()
