"""Home over real files: every role goes where it belongs, and no document is lost on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from filehost_dav.errors import (
    ConditionFailed,
    Exists,
    FilehostError,
    NotFound,
    ParentMissing,
    QuotaExceeded,
    Refused,
    TooLarge,
)
from filehost_dav.paths import Area, FilePath
from filehost_dav.policy.roles import Policy
from filehost_dav.storage.aside import Limits
from filehost_dav.storage.home import Home
from filehost_dav.storage.publish import BytesBody
from filehost_dav.storage.tree import ABSENT, Condition, Entry, Metadata, Storage, Tree

DAY = 24 * 3600
PDF = b"%PDF-1.7\nwords"
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9


on_disk = pytest.mark.parametrize("make_storage", ["local"], indirect=True)


@pytest.fixture
def make_home(storage: Storage) -> Callable[..., Home]:
    def make(policy: Policy | None = None, limits: Limits | None = None) -> Home:
        return Home(storage.tree("alice"), policy or Policy(), limits or Limits())

    return make


@pytest.fixture
def home(make_home: Callable[..., Home]) -> Home:
    return make_home()


@pytest.fixture
def disk(home: Home, tmp_path: Path) -> Path:
    """Where the user's own files lie."""
    return tmp_path / "data" / "files" / "alice"


def at(text: str) -> FilePath:
    return FilePath.parse(text)


class Unread:
    """A body that nobody may read."""

    def __init__(self, length: int | None) -> None:
        self.length = length

    def readinto(self, _buffer: memoryview, /) -> int:
        raise AssertionError("the body was read")


def put(home: Home, path: str, octets: bytes = b"words") -> Entry:
    return home.write(at(path), BytesBody(octets)).entry


def read(home: Home, path: str) -> bytes:
    with home.open(at(path)) as content:
        return b"".join(content.blocks(0, content.entry.size))


def names(home: Home, path: str = "/") -> set[str]:
    return {entry.path.name for entry in home.list(at(path))}


def trashed(home: Home) -> dict[str, bytes]:
    found = {}
    for item in home.trash():
        with home.open_trashed(item.id) as content:
            found[str(item.origin)] = b"".join(content.blocks(0, content.entry.size))
    return found


def exists(home: Home, path: str) -> bool:
    try:
        return home.stat(at(path)).path == at(path)
    except NotFound:
        return False


class Endless:
    """A body that does not say how long it is, and goes on."""

    length: int | None = None

    def readinto(self, buffer: memoryview, /) -> int:
        return len(buffer)


# Side files


@on_disk
@pytest.mark.parametrize("name", ["._a.txt", ".DS_Store", "Icon\r", "desktop.ini"])
def test_a_side_file_is_kept_byte_for_byte_in_reach_and_hidden(home: Home, disk: Path, name: str) -> None:
    entry = put(home, name, ELF)
    assert entry.path == at(name)
    assert read(home, name) == ELF
    assert exists(home, name)
    assert names(home) == set()
    assert list(disk.iterdir()) == []


@on_disk
@pytest.mark.parametrize("name", ["~$a.docx", ".~lock.a.odt#"])
def test_a_lock_marker_stays_in_the_listing_while_it_exists(home: Home, disk: Path, name: str) -> None:
    put(home, name, b"alice")
    assert names(home) == {name}
    home.delete(at(name))
    assert names(home) == set()
    assert not exists(home, name)


def test_a_folder_takes_its_side_files_along(home: Home) -> None:
    home.make_folder(at("/a"))
    home.make_folder(at("/a/in"))
    put(home, "/a/in/._x.txt", b"tags")
    home.move(at("/a"), at("/b"))
    assert read(home, "/b/in/._x.txt") == b"tags"
    home.copy(at("/b"), at("/c"))
    assert read(home, "/c/in/._x.txt") == b"tags"
    home.delete(at("/b"))
    home.make_folder(at("/b"))
    home.make_folder(at("/b/in"))
    assert not exists(home, "/b/in/._x.txt")
    assert read(home, "/c/in/._x.txt") == b"tags"


def test_a_folder_comes_back_from_the_trash_with_its_side_files(home: Home) -> None:
    home.make_folder(at("/a"))
    home.make_folder(at("/a/in"))
    put(home, "/a/in/._x.txt", b"tags")
    trashed = home.delete(at("/a"))
    assert trashed is not None
    home.make_folder(at("/a"))
    home.sweep(0)
    home.restore(trashed.id, at("/b"))
    assert read(home, "/b/in/._x.txt") == b"tags"
    assert not exists(home, "/a/in/._x.txt")


def test_the_side_files_of_a_purged_folder_go(home: Home, tree: Tree) -> None:
    home.make_folder(at("/a"))
    put(home, "/a/x.txt")
    put(home, "/a/._x.txt", b"tags")
    trashed = home.delete(at("/a"))
    assert trashed is not None
    waiting = FilePath((".filehost", "trashed"), Area.SIDE)
    assert [entry.path.name for entry in tree.list(waiting)] == [trashed.id]
    home.purge(trashed.id)
    home.sweep(0)
    assert list(tree.list(waiting)) == []


def test_a_replaced_folder_leaves_no_side_files_behind(home: Home) -> None:
    for folder in ("/a", "/b"):
        home.make_folder(at(folder))
    put(home, "/b/._old.txt")
    home.copy(at("/a"), at("/b"))
    assert not exists(home, "/b/._old.txt")


def test_a_side_folder_is_in_reach_with_all_that_is_in_it(home: Home) -> None:
    home.make_folder(at("/.Trashes"))
    home.make_folder(at("/.Trashes/501"))
    put(home, "/.Trashes/501/x.exe", ELF)
    assert names(home, "/.Trashes") == {"501"}
    assert names(home, "/.Trashes/501") == {"x.exe"}
    assert names(home) == set()


def test_a_side_file_needs_its_folder(home: Home) -> None:
    with pytest.raises(ParentMissing):
        put(home, "/none/._a.txt")
    with pytest.raises(ParentMissing):
        put(home, "/none/34429E5E.tmp")


def test_a_side_file_is_bounded(make_home: Callable[..., Home]) -> None:
    home = make_home(limits=Limits(side=10))
    put(home, "._a.txt", b"0123456789")
    with pytest.raises(TooLarge):
        put(home, "._a.txt", b"0123456789x")
    assert read(home, "._a.txt") == b"0123456789"


def test_a_document_cannot_hide_as_a_side_file(home: Home) -> None:
    put(home, "a.txt")
    with pytest.raises(Refused):
        home.move(at("a.txt"), at("._a.txt"))
    assert read(home, "a.txt") == b"words"


@on_disk
def test_what_lies_among_the_documents_under_a_side_name_stays_in_sight(home: Home, disk: Path) -> None:
    (disk / "._by hand").write_bytes(b"old")
    (disk / "34429E5E.tmp").write_bytes(b"old too")
    assert names(home) == {"._by hand", "34429E5E.tmp"}
    put(home, "._by hand", b"new")
    assert (disk / "._by hand").read_bytes() == b"new"
    home.delete(at("34429E5E.tmp"))
    assert names(home) == {"._by hand"}


# Staging


@on_disk
def test_staged_content_is_listed_but_lies_outside_the_documents(home: Home, disk: Path) -> None:
    put(home, "a.txt.XyZabc", b"new")
    assert names(home) == {"a.txt.XyZabc"}
    assert read(home, "a.txt.XyZabc") == b"new"
    assert list(disk.iterdir()) == []


def test_publishing_replaces_the_document_and_keeps_what_it_was(home: Home) -> None:
    put(home, "a.txt", b"old")
    put(home, "a.txt.XyZabc", b"new")
    written = home.move(at("a.txt.XyZabc"), at("a.txt"))
    assert not written.created
    assert written.entry.path == at("a.txt")
    assert read(home, "a.txt") == b"new"
    assert names(home) == {"a.txt"}


def test_publishing_judges_the_content_and_a_refusal_changes_nothing(home: Home) -> None:
    put(home, "a.pdf", PDF)
    put(home, "a.pdf.XyZabc", ELF)
    with pytest.raises(Refused):
        home.move(at("a.pdf.XyZabc"), at("a.pdf"))
    assert read(home, "a.pdf") == PDF
    assert read(home, "a.pdf.XyZabc") == ELF


def test_staged_content_cannot_become_what_is_not_allowed(home: Home) -> None:
    put(home, "34429E5E.tmp", b"#!/bin/sh")
    for target in ("evil.sh", "evil", "evil.pdf.exe"):
        with pytest.raises(Refused):
            home.move(at("34429E5E.tmp"), at(target))
        with pytest.raises(Refused):
            home.copy(at("34429E5E.tmp"), at(target))
    assert names(home) == {"34429E5E.tmp"}


def test_a_staging_folder_is_judged_member_by_member_when_it_is_published(home: Home) -> None:
    home.make_folder(at("a.sb-1a2b3c4d-xYz123"))
    put(home, "a.sb-1a2b3c4d-xYz123/evil.sh", b"#!/bin/sh")
    with pytest.raises(Refused):
        home.move(at("a.sb-1a2b3c4d-xYz123"), at("a"))
    home.delete(at("a.sb-1a2b3c4d-xYz123/evil.sh"))
    put(home, "a.sb-1a2b3c4d-xYz123/evil.pdf", ELF)
    with pytest.raises(Refused):
        home.copy(at("a.sb-1a2b3c4d-xYz123"), at("a"))
    put(home, "a.sb-1a2b3c4d-xYz123/evil.pdf", PDF)
    home.move(at("a.sb-1a2b3c4d-xYz123"), at("a"))
    assert read(home, "a/evil.pdf") == PDF


def test_word_saves_and_the_document_it_parked_goes_to_the_trash_under_its_own_name(home: Home) -> None:
    home.make_folder(at("/d"))
    put(home, "/d/doc.docx", b"PK\x03\x04 old")
    put(home, "/d/34429E5E.tmp", b"PK\x03\x04 new")
    home.move(at("/d/doc.docx"), at("/d/A9A97EC7.tmp"), when=ABSENT)
    assert names(home, "/d") == {"34429E5E.tmp", "A9A97EC7.tmp"}
    home.move(at("/d/34429E5E.tmp"), at("/d/doc.docx"), when=ABSENT)
    home.delete(at("/d/A9A97EC7.tmp"))
    assert names(home, "/d") == {"doc.docx"}
    assert read(home, "/d/doc.docx") == b"PK\x03\x04 new"
    assert trashed(home) == {"/d/doc.docx": b"PK\x03\x04 old"}


def test_word_can_put_the_document_back(home: Home) -> None:
    put(home, "doc.docx", b"PK\x03\x04 old")
    home.move(at("doc.docx"), at("A9A97EC7.tmp"))
    home.move(at("A9A97EC7.tmp"), at("doc.docx"))
    assert read(home, "doc.docx") == b"PK\x03\x04 old"
    assert trashed(home) == {}


@on_disk
def test_a_document_from_before_the_content_check_can_be_parked_and_put_back(home: Home, disk: Path) -> None:
    (disk / "doc.docx").write_bytes(b"typed by hand")
    home.move(at("doc.docx"), at("A9A97EC7.tmp"))
    with pytest.raises(Refused):
        home.move(at("A9A97EC7.tmp"), at("other.docx"))
    home.move(at("A9A97EC7.tmp"), at("doc.docx"))
    assert read(home, "doc.docx") == b"typed by hand"


@pytest.mark.parametrize("how", ["write", "move", "park"])
def test_what_replaces_a_parked_document_sends_it_to_the_trash(home: Home, how: str) -> None:
    put(home, "doc.txt", b"precious")
    home.move(at("doc.txt"), at("doc.txt~"))
    if how == "write":
        put(home, "doc.txt~", b"other")
    else:
        put(home, "other.txt" if how == "park" else "other.txt.XyZabc", b"other")
        home.move(at("other.txt" if how == "park" else "other.txt.XyZabc"), at("doc.txt~"))
    assert read(home, "doc.txt~") == b"other"
    assert trashed(home) == {"/doc.txt": b"precious"}


def test_a_condition_that_fails_leaves_the_parked_document_where_it_is(home: Home) -> None:
    put(home, "doc.txt", b"precious")
    home.move(at("doc.txt"), at("doc.txt~"))
    etag = home.stat(at("doc.txt~")).etag

    def unchanged(present: Entry | None) -> None:
        if present is None or present.etag != etag:
            raise ConditionFailed("It changed")

    with pytest.raises(ConditionFailed):
        home.write(at("doc.txt~"), BytesBody(b"other"), when=ABSENT)
    assert read(home, "doc.txt~") == b"precious"
    home.write(at("doc.txt~"), BytesBody(b"other"), when=Condition(holds=unchanged))
    assert read(home, "doc.txt~") == b"other"
    assert set(trashed(home).values()) == {b"precious"}


def test_a_deleted_folder_sends_the_documents_parked_in_it_to_the_trash(home: Home) -> None:
    home.make_folder(at("/d"))
    put(home, "/d/doc.txt", b"precious")
    home.move(at("/d/doc.txt"), at("/d/doc.txt~"))
    home.delete(at("/d"))
    assert b"precious" in {_content(home, item.id) for item in home.trash() if not item.entry.is_folder}


def _content(home: Home, trash_id: str) -> bytes:
    with home.open_trashed(trash_id) as content:
        return b"".join(content.blocks(0, content.entry.size))


@on_disk
def test_a_folder_that_takes_the_place_of_one_removed_by_hand_loses_nothing(home: Home, disk: Path) -> None:
    for folder in ("/a", "/b"):
        home.make_folder(at(folder))
        put(home, f"{folder}/doc.txt", folder.encode())
        home.move(at(f"{folder}/doc.txt"), at(f"{folder}/doc.txt~"))
    (disk / "b").rmdir()
    home.move(at("/a"), at("/b"))
    assert read(home, "/b/doc.txt~") == b"/a"
    assert trashed(home) == {"/b/doc.txt": b"/b"}


def test_a_program_may_delete_what_it_staged_and_no_trace_stays(home: Home) -> None:
    put(home, ".a.txt.swp", b"swap")
    assert home.delete(at(".a.txt.swp")) is None
    assert names(home) == set()
    assert trashed(home) == {}


def test_what_waits_in_staging_is_bounded(make_home: Callable[..., Home]) -> None:
    home = make_home(limits=Limits(staged=10, staged_files=2))
    put(home, "a.txt", b"0123456")
    put(home, "a.txt~", b"0123456")
    with pytest.raises(QuotaExceeded):
        put(home, "b.txt~", b"0123456")
    with pytest.raises(QuotaExceeded):
        home.move(at("a.txt"), at("b.txt~"))
    with pytest.raises(TooLarge):
        home.write(at("b.txt~"), Endless())
    put(home, "b.txt~", b"0")
    for make in (lambda: put(home, "c.txt~", b""), lambda: home.make_folder(at("a.sb-1a2b3c4d-xYz123"))):
        with pytest.raises(QuotaExceeded):
            make()
    assert read(home, "a.txt") == b"0123456"


def test_a_bare_number_holds_no_more_than_a_probe(home: Home) -> None:
    put(home, "4913", b"")
    with pytest.raises(TooLarge):
        put(home, "4913", b"x" * 5000)


def test_a_moved_folder_takes_along_what_waits_in_it(home: Home) -> None:
    home.make_folder(at("/a"))
    put(home, "/a/x.txt.XyZabc", b"new")
    home.move(at("/a"), at("/b"))
    home.move(at("/b/x.txt.XyZabc"), at("/b/x.txt"))
    assert read(home, "/b/x.txt") == b"new"


def test_a_condition_sees_the_path_the_caller_knows(home: Home) -> None:
    put(home, "a.txt~", b"one")
    seen: list[Entry | None] = []
    home.write(at("a.txt~"), BytesBody(b"two"), when=Condition(holds=seen.append))
    assert {entry.path for entry in seen if entry} == {at("a.txt~")}
    with pytest.raises(ConditionFailed):
        home.write(at("a.txt~"), BytesBody(b"three"), when=ABSENT)


# Names and types


def test_a_name_is_judged_before_a_byte_is_read(home: Home) -> None:
    class Untouched:
        length: int | None = 5

        def readinto(self, buffer: memoryview, /) -> int:
            raise AssertionError("the body was read")

    for path in ("evil.exe", "con.txt", "a\\b.txt", ".filehost/x.txt", "noextension"):
        with pytest.raises(Refused):
            home.write(at(path), Untouched())
    assert names(home) == set()


@pytest.mark.parametrize("octets", [ELF, b"not a pdf"])
def test_refused_content_leaves_the_old_file(home: Home, octets: bytes) -> None:
    put(home, "a.pdf", PDF)
    with pytest.raises(Refused):
        put(home, "a.pdf", octets)
    assert read(home, "a.pdf") == PDF


def test_a_renamed_file_is_judged_as_its_new_type(home: Home) -> None:
    put(home, "a.txt", b"words")
    for change in (home.move, home.copy):
        with pytest.raises(Refused):
            change(at("a.txt"), at("a.pdf"))
    put(home, "b.txt", PDF)
    home.move(at("b.txt"), at("b.pdf"))
    assert names(home) == {"a.txt", "b.pdf"}


@on_disk
def test_what_was_put_on_disk_by_hand_is_judged_when_it_is_renamed(home: Home, disk: Path) -> None:
    for name in ("old.exe", "._side.pdf", "staged.txt.XyZabc"):
        (disk / name).write_bytes(ELF)
    for name in ("old.exe", "._side.pdf", "staged.txt.XyZabc"):
        for target in ("a.txt", "side.pdf"):
            with pytest.raises(Refused):
                home.move(at(name), at(target))


@on_disk
def test_a_copied_folder_is_judged_member_by_member(home: Home, disk: Path) -> None:
    (disk / "a" / "in").mkdir(parents=True)
    (disk / "a" / "in" / "old.exe").write_bytes(b"MZ")
    with pytest.raises(Refused):
        home.copy(at("/a"), at("/b"))
    assert names(home) == {"a"}
    home.copy(at("/a"), at("/b"), deep=False)
    assert names(home, "/b") == set()


@on_disk
def test_a_file_no_longer_allowed_can_be_read_renamed_and_deleted(home: Home, disk: Path) -> None:
    for name in ("old.exe", "con.txt", "a:b.txt", "plain"):
        (disk / name).write_bytes(b"still here")
        assert read(home, name) == b"still here"
    assert names(home) == {"old.exe", "con.txt", "a:b.txt", "plain"}
    with pytest.raises(Refused):
        put(home, "old.exe", b"new")
    home.move(at("con.txt"), at("console.txt"))
    home.delete(at("old.exe"))
    assert names(home) == {"console.txt", "a:b.txt", "plain"}


@on_disk
@pytest.mark.parametrize("name", ["a", "2024"])  # a file of four digits is one that vim tries a folder with
def test_a_folder_with_what_is_no_longer_allowed_can_be_renamed(home: Home, disk: Path, name: str) -> None:
    (disk / name).mkdir()
    (disk / name / "old.exe").write_bytes(b"still here")
    home.move(at(name), at("/b"))
    assert read(home, "/b/old.exe") == b"still here"


def test_what_leaves_a_folder_of_any_names_is_judged(make_home: Callable[..., Home]) -> None:
    home = make_home(Policy(any_name=(at("/repo"),)))
    home.make_folder(at("/repo"))
    home.make_folder(at("/repo/x"))
    put(home, "/repo/x/config", b"anything")
    put(home, "/repo/x/a.pdf", ELF)
    for change in (home.move, home.copy):
        for source, target in (("/repo/x", "/x"), ("/repo/x/config", "/config"), ("/repo/x/a.pdf", "/a.pdf")):
            with pytest.raises(Refused):
                change(at(source), at(target))
    home.move(at("/repo/x"), at("/repo/y"))
    assert read(home, "/repo/y/config") == b"anything"


# Upper and lower case


def test_a_twin_that_differs_by_case_is_refused_at_every_door(home: Home) -> None:
    put(home, "Report.txt")
    put(home, "other.txt")
    home.make_folder(at("Folder"))
    doors: list[Callable[[], object]] = [
        lambda: put(home, "report.TXT"),
        lambda: home.move(at("other.txt"), at("REPORT.txt")),
        lambda: home.copy(at("other.txt"), at("REPORT.txt")),
        lambda: home.make_folder(at("FOLDER")),
        lambda: put(home, "folder.txt") and home.move(at("folder.txt"), at("report.txt")),
    ]
    for door in doors:
        with pytest.raises(Refused) as caught:
            door()
        assert caught.value.rule == "case"
    put(home, "Report.txt", b"new")
    assert read(home, "Report.txt") == b"new"


def test_a_file_may_change_the_case_of_its_own_name(home: Home) -> None:
    put(home, "report.txt")
    home.move(at("report.txt"), at("Report.txt"))
    assert names(home) == {"Report.txt"}
    home.move(at("Report.txt"), at("b.txt"))
    put(home, "REPORT.txt")
    home.delete(at("REPORT.txt"))
    put(home, "rePORT.txt")
    assert names(home) == {"b.txt", "rePORT.txt"}


@pytest.mark.parametrize("length", [None, 1 << 30])
def test_a_twin_is_refused_before_its_upload_is_read(home: Home, length: int | None) -> None:
    put(home, "/Report.txt")
    with pytest.raises(Refused):
        home.write(at("/report.txt"), Unread(length))
    home.make_folder(at("/docs"))
    with pytest.raises(Refused):
        home.copy(at("/docs"), at("/REPORT.txt"))


@on_disk
def test_twins_that_are_on_disk_already_stay_in_reach(home: Home, disk: Path) -> None:
    (disk / "a.txt").write_bytes(b"one")
    (disk / "A.txt").write_bytes(b"two")
    put(home, "A.txt", b"three")
    assert (read(home, "a.txt"), read(home, "A.txt")) == (b"one", b"three")


@on_disk
def test_names_put_on_disk_by_hand_are_seen(home: Home, disk: Path) -> None:
    put(home, "first.txt")
    (disk / "Second.txt").write_bytes(b"by hand")
    with pytest.raises(Refused):
        put(home, "second.txt")


def test_both_spellings_of_an_accent_are_one_name(home: Home) -> None:
    put(home, "e\u0301.txt", b"one")
    put(home, "\u00e9.txt", b"two")
    assert names(home) == {"\u00e9.txt"}


# Placeholders


@pytest.mark.parametrize("path", ["a.pdf", "a.pdf.XyZabc"])
def test_a_placeholder_whose_content_was_refused_goes(make_home: Callable[..., Home], path: str) -> None:
    home = make_home(limits=Limits(staged=10))
    put(home, path, b"")
    with pytest.raises((Refused, QuotaExceeded)):
        put(home, path, ELF)
    assert home.forget_placeholder(at(path))
    assert names(home) == set()


def test_an_empty_file_that_somebody_wanted_stays(home: Home) -> None:
    put(home, "a.pdf", b"")
    assert not home.forget_placeholder(at("a.pdf"))
    with pytest.raises(Refused):
        put(home, "a.pdf", ELF)
    put(home, "a.pdf", b"")
    assert not home.forget_placeholder(at("a.pdf"))
    assert names(home) == {"a.pdf"}


def test_an_empty_file_from_before_is_no_placeholder(storage: Storage) -> None:
    home = Home(storage.tree("alice"), Policy(), clock=lambda: time.time() + 2 * DAY)
    put(home, "a.pdf", b"")
    with pytest.raises(Refused):
        put(home, "a.pdf", ELF)
    assert not home.forget_placeholder(at("a.pdf"))
    assert names(home) == {"a.pdf"}


def test_a_document_whose_next_content_was_refused_stays(home: Home) -> None:
    put(home, "a.pdf", PDF)
    with pytest.raises(Refused):
        put(home, "a.pdf", ELF)
    assert not home.forget_placeholder(at("a.pdf"))
    assert not home.forget_placeholder(at("none.pdf"))
    assert read(home, "a.pdf") == PDF


# Clearing


def test_what_was_never_finished_waits_again_after_it_comes_back_from_the_trash(home: Home) -> None:
    home.make_folder(at("a.sb-1a2b3c4d-xYz123"))
    put(home, "a.sb-1a2b3c4d-xYz123/evil.sh", b"#!/bin/sh")
    trashed = home.delete(at("a.sb-1a2b3c4d-xYz123"))
    assert trashed is not None
    home.restore(trashed.id)
    assert read(home, "a.sb-1a2b3c4d-xYz123/evil.sh") == b"#!/bin/sh"
    home.sweep(0)
    home.sweep(DAY)
    assert names(home) == set()


def test_what_waited_too_long_goes_to_the_trash_under_its_documents_name(home: Home) -> None:
    put(home, "doc.docx", b"PK\x03\x04 parked")
    put(home, "other.txt.XyZabc", b"never finished")
    home.move(at("doc.docx"), at("A9A97EC7.tmp"))
    home.sweep(0)
    home.sweep(DAY - 1)
    assert names(home) == {"A9A97EC7.tmp", "other.txt.XyZabc"}
    home.sweep(DAY)
    assert names(home) == set()
    assert trashed(home) == {"/doc.docx": b"PK\x03\x04 parked", "/other.txt.XyZabc": b"never finished"}


def test_how_long_a_file_waits_does_not_depend_on_its_own_times(home: Home) -> None:
    home.sweep(0)
    home.write(at("a.txt.XyZabc"), BytesBody(b"new"), metadata=Metadata(modified=1))
    home.sweep(DAY * 2)
    assert read(home, "a.txt.XyZabc") == b"new"


def test_a_staging_folder_is_cleared_with_all_that_is_in_it(home: Home) -> None:
    home.make_folder(at("a.sb-1a2b3c4d-xYz123"))
    put(home, "a.sb-1a2b3c4d-xYz123/a.txt", b"new")
    home.sweep(0)
    home.sweep(DAY)
    assert names(home) == set()
    (item,) = home.trash()
    with home.open_trashed(item.id, ("a.txt",)) as content:
        assert b"".join(content.blocks(0, 3)) == b"new"


def test_marks_of_open_documents_and_attributes_without_a_document_go(home: Home) -> None:
    put(home, "kept.txt")
    for path in ("._kept.txt", "._gone.txt", "~$gone.docx", ".DS_Store"):
        put(home, path)
    home.sweep(0)
    home.sweep(DAY)
    assert {path for path in ("._kept.txt", "._gone.txt", ".DS_Store") if exists(home, path)} == {
        "._kept.txt",
        "._gone.txt",
        ".DS_Store",
    }
    assert not exists(home, "~$gone.docx")
    home.sweep(7 * DAY)
    assert exists(home, "._kept.txt")
    assert not exists(home, "._gone.txt")


def test_a_refused_placeholder_whose_lock_never_came_back_goes(storage: Storage) -> None:
    home = Home(storage.tree("alice"), Policy(), clock=lambda: 1000.0)
    put(home, "a.pdf", b"")
    put(home, "b.pdf", b"")
    with pytest.raises(Refused):
        put(home, "a.pdf", ELF)
    home.sweep(1000 + DAY - 1)
    assert names(home) == {"a.pdf", "b.pdf"}
    home.sweep(1000 + DAY)
    assert names(home) == {"b.pdf"}


# The rest of the contract passes through


def test_scan_and_list_agree(home: Home) -> None:
    for path in ("a.txt", "b.txt~", "~$c.docx", "._a.txt"):
        put(home, path)
    scan = home.scan(at("/"))
    if scan is not None:
        described = [scan.describe(name, facts) for name, _, facts in scan]
        assert {entry for entry in described if entry} == set(home.list(at("/")))


def test_a_folder_that_exists_is_not_made_again(home: Home) -> None:
    for path in ("/a", "/.Trashes", "a.sb-1a2b3c4d-xYz123"):
        home.make_folder(at(path))
        with pytest.raises(Exists):
            home.make_folder(at(path))


def test_errors_of_the_tree_come_through(home: Home) -> None:
    failures: list[tuple[type[FilehostError], Callable[[], object]]] = [
        (NotFound, lambda: home.stat(at("none.txt"))),
        (NotFound, lambda: home.stat(at("._none.txt"))),
        (NotFound, lambda: list(home.list(at("/none")))),
        (NotFound, lambda: home.delete(at("none.txt~"))),
        (NotFound, lambda: home.move(at("none.txt"), at("a.txt"))),
        (ParentMissing, lambda: put(home, "/none/a.txt")),
    ]
    for error, call in failures:
        with pytest.raises(error):
            call()
