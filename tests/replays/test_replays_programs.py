"""Programs that speak WebDAV themselves: password safes, notes, references, bookmarks."""

from __future__ import annotations

import pytest
from harness.replay import Stage, Step

OLD = b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5 the old safe"
NEW = b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5 the new safe"


def test_k1_keepass_deletes_the_safe_before_it_renames(stage: Stage) -> None:
    stage.put("/db.kdbx", OLD)
    stage.play(
        "KeePass/2.57",
        [
            Step("PUT", "/db.kdbx.1a2b3c.tmp", 201, NEW),
            Step("DELETE", "/db.kdbx", 204),
            Step("MOVE", "/db.kdbx.1a2b3c.tmp", 201, b"", {"Destination": "{url}/db.kdbx"}),
        ],
    )
    stage.holds({"/db.kdbx": NEW})
    assert stage.trash() == {OLD}


def test_k1_a_client_that_dies_after_its_delete_leaves_both_safes(stage: Stage) -> None:
    stage.put("/db.kdbx", OLD)
    stage.play("KeePass/2.57", [Step("PUT", "/db.kdbx.1a2b3c.tmp", 201, NEW), Step("DELETE", "/db.kdbx", 204)])
    stage.holds({"/db.kdbx.1a2b3c.tmp": NEW})
    assert stage.trash() == {OLD}


def test_k2_keepass2android_keeps_the_type_in_its_temporary_name(stage: Stage) -> None:
    stage.put("/db.kdbx", OLD)
    application = {"Content-Type": "application/binary"}
    stage.play(
        "okhttp/4.12",
        [
            Step("PUT", "/db.tmp.1a2b3c4d.kdbx", 201, NEW, application, chunked=True),
            Step("PROPFIND", "/db.kdbx", 207, b"", {"Depth": "0"}),
            Step("DELETE", "/db.kdbx", 204),
            Step("MOVE", "/db.tmp.1a2b3c4d.kdbx", 201, b"", {"Destination": "{url}/db.kdbx", "Overwrite": "T"}),
        ],
    )
    stage.holds({"/db.kdbx": NEW})
    assert stage.trash() == {OLD}


@pytest.mark.parametrize("temporary", ["/db.kdbx.XyZabc", "/.db.kdbx.1700000000000"])
def test_keepassxc_and_keeweb_rename_over_the_safe(stage: Stage, temporary: str) -> None:
    stage.put("/db.kdbx", OLD)
    stage.play(
        "KeePassXC",
        [
            Step("PUT", temporary, 201, NEW),
            Step("MOVE", temporary, 204, b"", {"Destination": "/db.kdbx", "Overwrite": "T"}),
        ],
    )
    stage.holds({"/db.kdbx": NEW})
    assert stage.versions("/db.kdbx") == {OLD}


def test_j1_joplin_keeps_what_has_no_type_in_a_folder_of_its_own(stage: Stage) -> None:
    note = "/Joplin/0123456789abcdef0123456789abcdef.md"
    resource = "/Joplin/.resource/0123456789abcdef0123456789abcdef"
    ignore = {"If-None-Match": "JoplinIgnore-1"}
    modified = (
        '<?xml version="1.0" encoding="UTF-8"?><d:propfind xmlns:d="DAV:"><d:prop>'
        "<d:getlastmodified/><d:resourcetype/></d:prop></d:propfind>"
    )
    stage.play(
        "Joplin/3.0",
        [
            Step("MKCOL", "/Joplin/", 201, b"", ignore),
            Step("MKCOL", "/Joplin/", 405, b"", ignore),
            Step("MKCOL", "/Joplin/.resource/", 201, b"", ignore),
            Step("MKCOL", "/Joplin/locks/", 201, b"", ignore),
            Step("PUT", "/Joplin/info.json", 201, b'{"version":3}', ignore),
            Step("PUT", "/Joplin/locks/sync_desktop_1.json", 201, b"{}", ignore),
            Step("PUT", note, 201, b"a note", ignore),
            Step("PUT", resource, 201, b"\x7fELF whatever was attached", ignore),
            Step("PUT", note, 204, b"a better note", {"If-None-Match": "JoplinIgnore-2"}),
            Step("PROPFIND", "/Joplin/", 207, modified, {"Depth": "1", **ignore}),
            Step("DELETE", "/Joplin/locks/sync_desktop_1.json", 204, b"", ignore),
        ],
    )
    stage.holds(
        {note: b"a better note"}, listed={".resource", "locks", "info.json", note[8:]}, folder="/Joplin/"
    )
    stage.holds({resource: b"\x7fELF whatever was attached"}, folder="/Joplin/.resource/")


def test_j1_elsewhere_a_note_is_refused_in_words_that_joplin_shows(stage: Stage) -> None:
    if stage.refusing:
        answer = stage.client.put("/note.md", b"a note")
        assert answer.status == 403
        for text in (b"<d:error", b"<s:exception>", b"<s:message>Files of type .md are not allowed here"):
            assert text in answer.body


def test_z1_zotero_verifies_and_syncs(stage: Stage) -> None:
    key = "/ABCD2345"
    stage.play(
        "Zotero/7.0",
        [
            Step("OPTIONS", "/", 200, has={"DAV": "1"}),
            Step("PROPFIND", "/", 207, b"", {"Depth": "0"}),
            Step("GET", "/nonexistent.prop", 404),
            Step("PUT", "/zotero-test-file.prop", 201, b" "),
            Step("GET", "/zotero-test-file.prop", 200),
            Step("DELETE", "/zotero-test-file.prop", 204),
            Step("DELETE", f"{key}.prop", 404),
            Step("PUT", f"{key}.zip", 201, b"PK\x03\x04 an article"),
            Step("PUT", f"{key}.prop", 201, b'<properties version="1"/>'),
            Step("PUT", "/lastsync.txt", 201, b" "),
        ],
    )
    stage.holds(
        {
            f"{key}.zip": b"PK\x03\x04 an article",
            f"{key}.prop": b'<properties version="1"/>',
            "/lastsync.txt": b" ",
        }
    )


def test_x1_floccus_locks_writes_aside_and_renames(stage: Stage) -> None:
    stage.put("/f.xbel", b"<xbel>old</xbel>")
    stage.play(
        "Mozilla/5.0 floccus",
        [
            Step("GET", "/f.xbel.lock", 404),
            Step("PUT", "/f.xbel.lock", 201, b"<html><body>locked</body></html>"),
            Step("GET", "/f.xbel.lock", 200),
            Step("GET", "/f.xbel", 200),
            Step("PUT", "/f.xbel.temp", 201, b"<xbel>new</xbel>"),
            Step("PROPFIND", "/f.xbel.temp", 207, b"", {"Depth": "0"}, has={"body": ">16<"}),
            Step("MOVE", "/f.xbel.temp", 204, b"", {"Destination": "{url}/f.xbel", "Overwrite": "T"}),
            Step("DELETE", "/f.xbel.lock", 204),
            Step("GET", "/f.xbel.lock", 404),
        ],
    )
    stage.holds({"/f.xbel": b"<xbel>new</xbel>"})
    assert stage.versions("/f.xbel") == {b"<xbel>old</xbel>"}


def test_rclone_deletes_what_it_could_not_overwrite_and_the_old_content_is_in_the_trash(stage: Stage) -> None:
    if stage.refusing:
        stage.put("/a.pdf", b"%PDF-1.7 good")
        stage.play(
            "rclone/v1.68",
            [Step("PUT", "/a.pdf", 403, b"not a pdf"), Step("DELETE", "/a.pdf", 204)],
        )
        assert stage.trash() == {b"%PDF-1.7 good"}


def test_old_chunks_of_owncloud_are_never_stored(stage: Stage) -> None:
    chunk = Step("PUT", "/big.txt-chunking-42-3-0", 501, b"part", {"OC-Chunked": "1"})
    stage.play("mirall/3.7", [chunk])
    stage.holds({})
