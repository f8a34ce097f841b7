"""Ways around the policy: each is refused at every door, over HTTP, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.dav import Client
from harness.server import Account, Server
from harness.ways import every_way

__all__ = ["every_way"]

SCRIPT = b"#!/bin/sh\necho pwned\n"
PROGRAM = b"\x7fELF\x02\x01\x01" + b"\0" * 100

NAMES = {
    "another type": "/evil.sh",
    "another case": "/evil.Sh",
    "no type": "/evil",
    "two types": "/evil.txt.sh",
    "a type that ends like an allowed one": "/evil.shtxt",
    "a random ending that is a type": "/report.txt.desktop",
    "a temporary name of what is not allowed": "/evil.sh.tmp",
    "a backup of what is not allowed": "/evil.sh~",
    "a trailing dot": "/evil.sh.",
    "a trailing dot after an allowed type": "/evil.txt.",
    "a trailing blank": "/evil.sh%20",
    "a trailing blank after an allowed type": "/evil.txt%20",
    "a leading blank": "/%20evil.txt",
    "a NUL": "/evil.sh%00.txt",
    "a line break": "/evil.sh%0A.txt",
    "an NTFS stream": "/evil.sh::$DATA",
    "an NTFS stream of an allowed type": "/evil.txt::$DATA",
    "a stream named like an allowed type": "/evil.sh:.txt",
    "a look-alike dot": "/evil%E2%80%A4txt",
    "a full-width dot": "/evil.sh%EF%BC%8Etxt",
    "an override of the direction": "/evil%E2%80%AEtxt.sh",
    "an override before an allowed type": "/evilhs%E2%80%AE.txt",
    "a zero-width blank": "/evil.t%E2%80%8Bxt",
    "a backslash": "/in%5Cevil.txt",
    "a way up": "/in/..%5C..%5Cevil.txt",
    "an encoded way up": "/in/%2e%2e/%2e%2e/evil.txt",
    "an encoded slash": "/in%2F..%2F..%2Fevil.sh",
    "encoded twice": "/evil%252Esh",
    "a semicolon": "/evil.sh;.sh",
    "a parameter": "/evil.sh%3Ba.sh",
    "a device of Windows": "/con.txt",
    "a device with a superscript": "/COM%C2%B9.txt",
    "a server's own name": "/.filehost/evil.txt",
    "the server's own name in capitals": "/.FILEHOST/evil.txt",
    "a temporary name of the server": "/.filehost-0123456789abcdef.txt",
    "overlong UTF-8": "/evil%C0%AEtxt",
    "a surrogate": "/evil%ED%A0%80.txt",
    "a very long name": "/" + "a" * 241 + ".txt",
    "a client's own records": "/._sync_1234.db",
    "a fragment": "/big.txt-chunking-42-3-0",
}
BY_NAME = [  # refused for folders too, because no folder may have such a name
    name
    for name in NAMES
    if any(word in name for word in ("NUL", "trailing", "leading", "stream", "override", "backslash", "device"))
]


@pytest.fixture
def evil(client: Client, server: Server, account: Account) -> Client:
    """A user with a folder, a text that is a script, and a staged file."""
    assert client("MKCOL", "/in/").status == 201
    assert client.put("/in/note.txt", SCRIPT).status == 201
    assert client.put("/note.txt", SCRIPT).status == 201
    assert client.put("/34429E5E.tmp", SCRIPT).status == 201
    return client


def everything(server: Server, account: Account) -> set[str]:
    """Every file and folder that the server keeps for the user."""
    return {
        str(path.relative_to(server.data))
        for area in ("files", "side", "staging", "trash", "versions")
        for path in Path(server.data, area, account.name).rglob("*")
        if ".filehost" not in str(path.relative_to(server.data))
    }


DOORS = {
    "PUT": lambda client, path: client.put(path, SCRIPT),
    "PUT of nothing": lambda client, path: client.put(path),
    "PUT in pieces": lambda client, path: client("PUT", path, iter([SCRIPT])),
    "LOCK": lambda client, path: client.lock(path),
    "MOVE": lambda client, path: client.move("/note.txt", path),
    "COPY": lambda client, path: client.copy("/note.txt", path),
    "MOVE of a staged file": lambda client, path: client.move("/34429E5E.tmp", path),
    "COPY of a staged file": lambda client, path: client.copy("/34429E5E.tmp", path),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_is_not_allowed_is_refused_at_every_door(
    evil: Client, server: Server, account: Account, door: str
) -> None:
    before = everything(server, account)
    for row, path in NAMES.items():
        answer = DOORS[door](evil, path)
        assert 400 <= answer.status < 500, f"{row}: {answer.status}"
        assert everything(server, account) == before, row
    assert evil.get("/note.txt").body == SCRIPT


@pytest.mark.parametrize("row", BY_NAME)
def test_a_folder_is_refused_by_its_name_too(evil: Client, server: Server, account: Account, row: str) -> None:
    before = everything(server, account)
    for answer in (
        evil("MKCOL", NAMES[row] + "/"),
        evil.move("/in/", NAMES[row] + "/"),
        evil.copy("/in/", NAMES[row] + "/"),
    ):
        assert 400 <= answer.status < 500
    assert everything(server, account) == before


def test_a_refusal_says_why_in_the_reason_and_in_the_body(evil: Client) -> None:
    answer = evil.put("/evil.sh", SCRIPT)
    assert answer.status == 403
    assert answer.reason.isascii()
    assert answer.reason != "Forbidden"
    assert answer.message == "Files of type .sh are not allowed here"


def test_a_parked_document_cannot_be_renamed_to_what_is_not_allowed(
    evil: Client, server: Server, account: Account
) -> None:
    assert evil.move("/note.txt", "/A9A97EC7.tmp").status == 201
    before = everything(server, account)
    for target in ("/evil.sh", "/evil", "/evil.pdf", "/evil.txt.exe", "/._evil.txt"):
        assert evil.move("/A9A97EC7.tmp", target).status == 403
        assert evil.copy("/A9A97EC7.tmp", "/evil.sh").status == 403
    assert everything(server, account) == before
    assert evil.get("/A9A97EC7.tmp").body == SCRIPT


def test_a_staging_folder_cannot_be_published_with_what_is_not_allowed(
    evil: Client, server: Server, account: Account
) -> None:
    folder = "/a.sb-1a2b3c4d-xYz123"
    assert evil("MKCOL", folder).status == 201
    assert evil.put(f"{folder}/evil.sh", SCRIPT).status == 201
    before = everything(server, account)
    for answer in (
        evil.move(folder, "/innocent"),
        evil.copy(folder, "/innocent"),
        evil.move(folder, "/in/innocent"),
        evil.move(f"{folder}/evil.sh", "/evil.sh"),
        evil.copy(f"{folder}/evil.sh", "/in/evil.sh"),
    ):
        assert answer.status == 403
    assert everything(server, account) == before


def test_a_side_folder_cannot_be_published_with_what_is_not_allowed(
    evil: Client, server: Server, account: Account
) -> None:
    assert evil("MKCOL", "/.Trashes").status == 201
    assert evil.put("/.Trashes/evil.sh", SCRIPT).status == 201
    before = everything(server, account)
    assert evil.move("/.Trashes", "/innocent").status == 403
    assert evil.copy("/.Trashes", "/innocent").status == 403
    assert evil.move("/.Trashes/evil.sh", "/evil.sh").status == 403
    assert everything(server, account) == before


def test_a_folder_that_holds_what_is_no_longer_allowed_cannot_be_copied(
    evil: Client, server: Server, account: Account
) -> None:
    (server.files(account) / "in" / "old.sh").write_bytes(SCRIPT)
    before = everything(server, account)
    assert evil.copy("/in/", "/copy/").status == 403
    assert everything(server, account) == before
    assert evil.copy("/in/", "/copy/", Depth="0").status == 201


@pytest.mark.parametrize("path", ["/program.txt", "/program.pdf", "/program.png"])
def test_a_program_is_refused_under_an_allowed_name(
    evil: Client, server: Server, account: Account, path: str
) -> None:
    assert evil.put("/staged.txt.XyZabc", PROGRAM).status == 201
    assert evil.put("/._side.txt", PROGRAM).status == 201
    before = everything(server, account)
    for answer in (
        evil.put(path, PROGRAM),
        evil("PUT", path, iter([PROGRAM[:3], PROGRAM[3:]])),
        evil.move("/staged.txt.XyZabc", path),
        evil.copy("/staged.txt.XyZabc", path),
        evil.move("/._side.txt", path),
        evil.copy("/._side.txt", path),
    ):
        assert answer.status == 403
    assert everything(server, account) == before


def test_refused_content_leaves_the_old_file_and_a_usable_connection(evil: Client) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
    assert evil.put("/a.png", picture).status == 201
    for body in (PROGRAM, b"text", PROGRAM * 3000):
        assert evil.put("/a.png", body).status == 403
        assert evil.get("/a.png").body == picture


def test_names_that_differ_by_case_alone_are_refused_at_every_door(
    evil: Client, server: Server, account: Account
) -> None:
    assert evil.put("/other.txt", b"x").status == 201
    before = everything(server, account)
    for answer in (
        evil.put("/NOTE.txt", b"x"),
        evil.lock("/Note.TXT"),
        evil.move("/other.txt", "/NOTE.txt"),
        evil.copy("/other.txt", "/NOTE.txt"),
        evil("MKCOL", "/IN"),
        evil.copy("/in/", "/In/"),
    ):
        assert answer.status == 403
    assert everything(server, account) == before
    assert evil.move("/note.txt", "/NOTE.txt").status == 201
