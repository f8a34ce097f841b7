"""Explorer (the WebClient service) and Office on a mapped drive: every request as it was logged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.dav import DAV
from harness.replay import Stage, Step

AGENT = "Microsoft-WebDAV-MiniRedir/10.0.19045"
PDF = b"%PDF-1.7\nwhat the document says"
OLD = b"PK\x03\x04\x14\x00\x06\x00 the document as it was"
NEW = b"PK\x03\x04\x14\x00\x06\x00 the document as it is now"
OWNER = b"\x05alice" + b" " * 159  # 165 bytes, as Office writes them
SAVED_AT = "Tue, 05 Mar 2024 10:15:30 GMT"
TRANSLATE = {"translate": "f"}
XML = {**TRANSLATE, "Content-Type": 'text/xml; charset="utf-8"'}
LOCKINFO = (
    '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:">'
    "<D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>PC\\alice</D:href></D:owner></D:lockinfo>"
)


def times(*names: str) -> str:
    properties = "".join(f"<Z:{name}>{SAVED_AT}</Z:{name}>" for name in names)
    return (
        '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" '
        'xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        f"{properties}<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>"
    )


def propfind(path: str, status: int, depth: str = "0") -> Step:
    return Step("PROPFIND", path, status, b"", {**TRANSLATE, "Depth": depth})


def lock(path: str) -> Step:
    headers = {**XML, "Timeout": "Second-3600"}  # without Depth
    return Step("LOCK", path, (200, 201), LOCKINFO, headers, has={"Lock-Token": "<opaquelocktoken:"})


def unlock(path: str) -> Step:
    return Step("UNLOCK", path, 204, b"", {**TRANSLATE, "Lock-Token": f"<{{token:{path}}}>"})


def proppatch(path: str, *names: str, held: bool = True) -> Step:
    headers = {**XML, "If": f"(<{{token:{path}}}>)"} if held else XML
    return Step("PROPPATCH", path, 207, times(*names), headers, has={"body": "HTTP/1.1 200 OK"})


def move(source: str, target: str, status: int = 201) -> Step:
    headers = {**TRANSLATE, "Destination": f"{{url}}{target}", "Overwrite": "F"}
    return Step("MOVE", source, status, b"", headers)


def written(path: str, content: bytes) -> Iterator[Step]:
    """What the redirector sends for one new file."""
    held = {**TRANSLATE, "If": f"(<{{token:{path}}}>)"}
    yield propfind(path, 404)
    yield Step("PUT", path, 201, b"", TRANSLATE)
    yield lock(path)
    yield proppatch(path, "Win32CreationTime", "Win32LastAccessTime", "Win32LastModifiedTime")
    yield Step("HEAD", path, 200, b"", TRANSLATE)
    yield Step("PUT", path, (200, 201, 204), content, held)
    yield proppatch(path, "Win32LastModifiedTime")
    yield unlock(path)


MAP_DRIVE = [
    Step("OPTIONS", "/", 200, b"", TRANSLATE, anonymous=True, has={"MS-Author-Via": "DAV", "DAV": "1, 2"}),
    Step("PROPFIND", "/", 401, b"", {"Depth": "0"}, anonymous=True, has={"WWW-Authenticate": "Basic"}),
    propfind("/", 207),
    propfind("/desktop.ini", 404),
    propfind("/AutoRun.inf", 404),
    propfind("/", 207, "1"),
]


def test_w1_a_drive_is_mapped(stage: Stage) -> None:
    stage.play(AGENT, MAP_DRIVE)


def test_w2_a_document_is_copied_in_and_keeps_its_time(stage: Stage) -> None:
    stage.play(AGENT, [*MAP_DRIVE, *written("/Rep.pdf", PDF)])
    stage.holds({"/Rep.pdf": PDF})
    assert stage.client("HEAD", "/Rep.pdf")["Last-Modified"] == SAVED_AT


def test_w2_a_lock_without_depth_is_on_the_file_alone(stage: Stage) -> None:
    stage.put("/Rep.pdf", PDF)
    stage.play(AGENT, [lock("/Rep.pdf"), *written("/Other.pdf", PDF)])
    stage.holds({"/Rep.pdf": PDF, "/Other.pdf": PDF})


def test_w2_a_refused_body_leaves_no_empty_file(stage: Stage) -> None:
    program = b"MZ\x90\x00" + b"\0" * 200
    held = {**TRANSLATE, "If": "(<{token:/Rep.pdf}>)"}
    stage.play(
        AGENT,
        [
            Step("PUT", "/Rep.pdf", 201, b"", TRANSLATE),
            lock("/Rep.pdf"),
            Step("PUT", "/Rep.pdf", 204, program, held, strict=403),
            unlock("/Rep.pdf"),
            propfind("/Rep.pdf", 207, "0") if not stage.refusing else propfind("/Rep.pdf", 404),
        ],
    )


def test_w3_word_saves(stage: Stage) -> None:
    """The owner file is shown while the document is open, and the document that was parked is never lost."""
    stage.put("/doc.docx", OLD)
    stage.play(AGENT, [lock("/doc.docx"), *written("/~$doc.docx", OWNER)])
    stage.holds({"/doc.docx": OLD, "/~$doc.docx": OWNER})
    stage.play(
        AGENT,
        [
            *written("/34429E5E.tmp", NEW),
            unlock("/doc.docx"),
            propfind("/A9A97EC7.tmp", 404),
            move("/doc.docx", "/A9A97EC7.tmp"),
        ],
    )
    stage.holds({"/A9A97EC7.tmp": OLD, "/34429E5E.tmp": NEW, "/~$doc.docx": OWNER})
    stage.play(
        AGENT,
        [
            move("/34429E5E.tmp", "/doc.docx"),
            lock("/doc.docx"),
            Step("DELETE", "/A9A97EC7.tmp", 204, b"", TRANSLATE),
            unlock("/doc.docx"),
            Step("DELETE", "/~$doc.docx", 204, b"", TRANSLATE),
        ],
    )
    stage.holds({"/doc.docx": NEW})
    assert stage.trash() == {OLD}


def test_w3_word_breaks_off_and_puts_the_document_back(stage: Stage) -> None:
    stage.put("/doc.docx", OLD)
    stage.play(
        AGENT,
        [
            *written("/34429E5E.tmp", NEW),
            move("/doc.docx", "/A9A97EC7.tmp"),
            move("/A9A97EC7.tmp", "/doc.docx"),
            Step("DELETE", "/34429E5E.tmp", 204, b"", TRANSLATE),
        ],
    )
    stage.holds({"/doc.docx": OLD})


def test_w3_a_parked_document_cannot_become_what_is_not_allowed(stage: Stage) -> None:
    stage.put("/doc.docx", OLD)
    strict = Step(
        "MOVE", "/A9A97EC7.tmp", 201, b"", {"Destination": "{url}/doc.exe", "Overwrite": "F"}, strict=403
    )
    stage.play(AGENT, [move("/doc.docx", "/A9A97EC7.tmp"), strict])
    stage.holds({"/A9A97EC7.tmp": OLD} if stage.refusing else {"/doc.exe": OLD})


@pytest.mark.parametrize("temporary", ["/ppt1A2.tmp", "/~WRD0000.tmp", "/ABCDEF.tmp"])
def test_w3_other_temporary_names_of_office(stage: Stage, temporary: str) -> None:
    stage.put("/doc.pptx", OLD)
    stage.play(
        AGENT,
        [
            *written(temporary, NEW),
            Step("DELETE", "/doc.pptx", 204, b"", TRANSLATE),
            move(temporary, "/doc.pptx"),
        ],
    )
    stage.holds({"/doc.pptx": NEW})
    assert stage.trash() == {OLD}


def test_w4_a_new_folder_is_named(stage: Stage) -> None:
    stage.play(
        AGENT,
        [
            propfind("/New%20folder", 404),
            Step("MKCOL", "/New%20folder", 201, b"", TRANSLATE),
            proppatch("/New%20folder", "Win32LastModifiedTime", held=False),
            propfind("/Plans", 404),
            move("/New%20folder", "/Plans"),
        ],
    )
    stage.holds({}, listed={"Plans"})


def test_o1_office_opens_a_document_by_its_address(stage: Stage) -> None:
    """`ms-word:ofe|u|https://…`: the first requests carry a token that is empty."""
    stage.put("/doc.docx", OLD)
    office = "Microsoft Office Word 2019"
    held = {"If": "(<{token:/doc.docx}>)"}
    stage.play(
        office,
        [
            Step(
                "OPTIONS",
                "/",
                200,
                b"",
                {"Authorization": "Bearer"},
                anonymous=True,
                has={"MS-Author-Via": "DAV", "Allow": "LOCK"},
            ),
            Step("HEAD", "/doc.docx", 401, b"", {"Authorization": "Bearer"}, anonymous=True),
            Step("HEAD", "/doc.docx", 200, b"", {"If-None-Match": '"an-older-one"'}),
            lock("/doc.docx"),
            Step("GET", "/doc.docx", 200),
            Step("PUT", "/doc.docx", (200, 204), NEW, held),
            unlock("/doc.docx"),
        ],
    )
    stage.holds({"/doc.docx": NEW})
    assert stage.versions("/doc.docx") == {OLD}


def test_a_listing_of_all_properties_is_small(stage: Stage) -> None:
    """Explorer reads at most a million bytes of properties of one folder."""
    for number in range(20):
        stage.put(f"/document%20number%20{number}.txt", b"x")
    answer = stage.client("PROPFIND", "/", None, {"Depth": "1"})
    members = len(answer.responses()) - 1
    assert members == 20
    assert len(answer.body) / members < 1000
    assert DAV + "getlastmodified" in answer.responses()["/document number 1.txt"]
