"""The trash and the earlier versions, as any WebDAV client can walk through them."""

from __future__ import annotations

import re

import pytest

from filehost_dav.errors import ConditionFailed, Exists, NotAFolder, NotFound, Refused
from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import Policy
from filehost_dav.storage.attic import labelled
from filehost_dav.storage.home import Home
from filehost_dav.storage.publish import BytesBody
from filehost_dav.storage.tree import ABSENT, Storage

TRASH = "/.filehost/trash"
VERSIONS = "/.filehost/versions"
LABEL = re.compile(r"report \(\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d( \d+)?\)\.txt")


@pytest.fixture
def home(storage: Storage) -> Home:
    return Home(storage.tree("alice"), Policy())


def at(text: str) -> FilePath:
    return FilePath.parse(text)


def put(home: Home, path: str, octets: bytes = b"words") -> None:
    home.write(at(path), BytesBody(octets))


def read(home: Home, path: str) -> bytes:
    with home.open(at(path)) as content:
        return b"".join(content.blocks(0, content.entry.size))


def names(home: Home, path: str = "/") -> list[str]:
    return sorted(entry.path.name for entry in home.list(at(path)))


def walk(home: Home, folder: str) -> set[str]:
    found = set()
    for entry in home.list(at(folder)):
        assert home.stat(entry.path) == entry
        found.add(str(entry.path))
        if entry.is_folder:
            found |= walk(home, str(entry.path))
    return found


def test_the_top_shows_both_and_the_users_folder_does_not_show_the_top(home: Home) -> None:
    assert names(home) == []
    assert names(home, "/.filehost") == ["trash", "versions"]
    assert home.stat(at("/.filehost")).is_folder
    with pytest.raises(NotFound):
        home.stat(at("/.filehost/other"))
    with pytest.raises(NotFound):
        list(home.list(at("/.filehost/other")))


def test_people_recognise_what_is_in_the_trash(home: Home) -> None:
    for octets in (b"one", b"two"):
        put(home, "report.txt", octets)
        home.delete(at("report.txt"))
    first, second = names(home, TRASH)
    assert LABEL.fullmatch(first)
    assert LABEL.fullmatch(second)
    assert {read(home, f"{TRASH}/{name}") for name in (first, second)} == {b"one", b"two"}


def test_a_trashed_folder_can_be_walked(home: Home) -> None:
    home.make_folder(at("/a"))
    home.make_folder(at("/a/in"))
    put(home, "/a/in/b.txt")
    home.delete(at("/a"))
    (name,) = names(home, TRASH)
    top = f"{TRASH}/{name}"
    assert walk(home, TRASH) == {top, f"{top}/in", f"{top}/in/b.txt"}
    assert read(home, f"{top}/in/b.txt") == b"words"
    with pytest.raises(NotFound):
        home.stat(at(f"{top}/none"))


def test_moving_out_of_the_trash_restores(home: Home) -> None:
    put(home, "report.txt")
    home.delete(at("report.txt"))
    (name,) = names(home, TRASH)
    written = home.move(at(f"{TRASH}/{name}"), at("back.txt"))
    assert (written.created, written.entry.path) == (True, at("back.txt"))
    assert names(home) == ["back.txt"]
    assert names(home, TRASH) == []


def test_copying_out_of_the_trash_leaves_it_there(home: Home) -> None:
    home.make_folder(at("/a"))
    put(home, "/a/b.txt")
    home.delete(at("/a"))
    (name,) = names(home, TRASH)
    home.copy(at(f"{TRASH}/{name}"), at("/again"))
    home.copy(at(f"{TRASH}/{name}/b.txt"), at("/c.txt"))
    assert read(home, "/again/b.txt") == read(home, "/c.txt") == b"words"
    assert names(home, TRASH) == [name]


def test_what_is_moved_out_of_the_trash_replaces_only_when_it_may(home: Home) -> None:
    put(home, "report.txt", b"old")
    home.delete(at("report.txt"))
    put(home, "report.txt", b"new")
    (name,) = names(home, TRASH)
    with pytest.raises(ConditionFailed):
        home.move(at(f"{TRASH}/{name}"), at("report.txt"), when=ABSENT)
    home.move(at(f"{TRASH}/{name}"), at("report.txt"))
    assert read(home, "report.txt") == b"old"
    (replaced,) = names(home, TRASH)
    assert read(home, f"{TRASH}/{replaced}") == b"new"


def test_the_trash_is_no_way_around_the_policy(home: Home) -> None:
    put(home, "note.txt", b"#!/bin/sh")
    home.delete(at("note.txt"))
    (name,) = names(home, TRASH)
    for change in (home.move, home.copy):
        for target in ("evil.sh", "evil.pdf"):
            with pytest.raises(Refused):
                change(at(f"{TRASH}/{name}"), at(target))
    with pytest.raises(Refused):
        home.restore(next(iter(home.trash())).id, at("evil.sh"))
    assert names(home) == []


def test_deleting_in_the_trash_is_for_good(home: Home) -> None:
    home.make_folder(at("/a"))
    put(home, "/a/b.txt")
    home.delete(at("/a"))
    (name,) = names(home, TRASH)
    for path in (f"{TRASH}/{name}/b.txt", TRASH, "/.filehost", VERSIONS):
        with pytest.raises(Refused):
            home.delete(at(path))
    home.delete(at(f"{TRASH}/{name}"))
    assert names(home, TRASH) == []
    with pytest.raises(NotFound):
        home.delete(at(f"{TRASH}/{name}"))


def test_earlier_contents_are_files_in_a_folder_named_like_the_file(home: Home) -> None:
    home.make_folder(at("/d"))
    for octets in (b"one", b"two", b"three"):
        put(home, "/d/report.txt", octets)
    assert names(home, VERSIONS) == ["d"]
    assert names(home, f"{VERSIONS}/d") == ["report.txt"]
    found = names(home, f"{VERSIONS}/d/report.txt")
    assert all(LABEL.fullmatch(name) for name in found)
    assert {read(home, f"{VERSIONS}/d/report.txt/{name}") for name in found} == {b"one", b"two"}
    walk(home, VERSIONS)
    with pytest.raises(NotAFolder):
        list(home.list(at(f"{VERSIONS}/d/report.txt/{found[0]}")))
    with pytest.raises(NotFound):
        home.stat(at(f"{VERSIONS}/d/report.txt/none"))


@pytest.mark.parametrize("way", ["copy", "move"])
def test_a_version_taken_out_is_restored_and_todays_content_becomes_a_version(home: Home, way: str) -> None:
    put(home, "report.txt", b"old")
    put(home, "report.txt", b"new")
    (name,) = names(home, f"{VERSIONS}/report.txt")
    getattr(home, way)(at(f"{VERSIONS}/report.txt/{name}"), at("report.txt"))
    assert read(home, "report.txt") == b"old"
    versions = {read(home, f"{VERSIONS}/report.txt/{item}") for item in names(home, f"{VERSIONS}/report.txt")}
    assert versions == ({b"old", b"new"} if way == "copy" else {b"new"})


def test_deleting_a_version_is_for_good(home: Home) -> None:
    put(home, "report.txt", b"old")
    put(home, "report.txt", b"new")
    (name,) = names(home, f"{VERSIONS}/report.txt")
    home.delete(at(f"{VERSIONS}/report.txt/{name}"))
    assert names(home, f"{VERSIONS}/report.txt") == []
    with pytest.raises(Refused):
        home.delete(at(f"{VERSIONS}/report.txt"))


def test_nothing_can_be_put_there(home: Home) -> None:
    put(home, "report.txt")
    for path in ("/.filehost/a.txt", f"{TRASH}/a.txt", f"{VERSIONS}/report.txt/a.txt", f"{VERSIONS}/b.txt"):
        with pytest.raises(Refused):
            put(home, path)
        with pytest.raises(Refused):
            home.make_folder(at(path))
        with pytest.raises(Refused):
            home.move(at("report.txt"), at(path))
        with pytest.raises(Refused):
            home.copy(at("report.txt"), at(path))
        with pytest.raises(Refused):
            home.set_modified(at(path), 1)
    for folder in ("/.filehost", VERSIONS, TRASH):
        with pytest.raises(Refused):
            home.copy(at(folder), at("/copy"))
        with pytest.raises(Refused):
            home.move(at(folder), at("/copy"))
    assert names(home) == ["report.txt"]


def test_restoring_never_overwrites(home: Home) -> None:
    put(home, "report.txt", b"old")
    home.delete(at("report.txt"))
    put(home, "report.txt", b"new")
    (item,) = home.trash()
    with pytest.raises(Exists):
        home.restore(item.id)
    home.restore(item.id, at("report 2.txt"))
    assert (read(home, "report.txt"), read(home, "report 2.txt")) == (b"new", b"old")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("report.pdf", "report (2026-11-24 10.15.30).pdf"),
        ("no type", "no type (2026-11-24 10.15.30)"),
        (".hidden", ".hidden (2026-11-24 10.15.30)"),
        ("a.tar.gz", "a.tar (2026-11-24 10.15.30).gz"),
        ("ä" * 118 + ".txt", "ä" * 114 + " (2026-11-24 10.15.30).txt"),
    ],
)
def test_a_label_is_the_name_with_its_moment(name: str, label: str) -> None:
    moment = 1_795_515_330 * 10**9
    assert labelled(name, moment) == label
    assert labelled(name, moment, 2) != label
    assert FilePath((label,)) == FilePath.root() / label
