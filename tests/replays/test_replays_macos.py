"""Finder (webdavfs): copying in, renaming, refusals, and names in decomposed Unicode."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.replay import Stage, Step

AGENT = "WebDAVFS/3.0.0 (03008000) Darwin/23.6.0 (x86_64)"
PDF = b"%PDF-1.7\nwhat the document says"
TAGS = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(range(200))
LOCKINFO = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:">\n'
    "<D:lockscope><D:exclusive/></D:lockscope>\n<D:locktype><D:write/></D:locktype>\n<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n"
    "</D:owner>\n</D:lockinfo>\n"
)
STATUS = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n<D:prop>\n<D:getlastmodified/>\n'
    "<D:getcontentlength/>\n<D:creationdate/>\n<D:resourcetype/>\n</D:prop>\n</D:propfind>\n"
)
SPACE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:">\n<D:prop>\n'
    "<D:quota-available-bytes/>\n<D:quota-used-bytes/>\n<D:quota/>\n<D:quotaused/>\n</D:prop>\n</D:propfind>\n"
)
XML = {"Content-Type": "text/xml"}


def propfind(path: str, status: int, depth: str = "0") -> Step:
    return Step("PROPFIND", path, status, STATUS, {**XML, "Depth": depth})


def lock(path: str) -> Step:
    headers = {**XML, "Depth": "0", "Timeout": "Second-600"}
    return Step("LOCK", path, (200, 201), LOCKINFO, headers, has={"Lock-Token": "<opaquelocktoken:"})


def copied_in(name: str, content: bytes) -> Iterator[Step]:
    """What Finder sends for one new file."""
    held = {"If": f"(<{{token:{name}}}>)"}
    yield propfind(name, 404)
    yield Step("PUT", name, 201)
    yield lock(name)
    yield Step("GET", name, 200)
    sized = {**held, "X-Expected-Entity-Length": str(len(content))}
    yield Step("PUT", name, (200, 201, 204), content, sized, chunked=True)
    yield propfind(name, 207)
    yield Step("LOCK", name, 200, b"", {**held, "Timeout": "Second-600"})
    yield Step("UNLOCK", name, 204, b"", {"Lock-Token": f"<{{token:{name}}}>"})


def copy_in(*names: tuple[str, bytes]) -> list[Step]:
    return [step for name, content in names for step in copied_in(name, content)]


MOUNT = [
    Step("OPTIONS", "/", 200, has={"DAV": "1, 2", "Allow": "LOCK"}),
    propfind("/", 207),
    Step("PROPFIND", "/", 207, SPACE, {**XML, "Depth": "0"}, has={"body": "quota-available-bytes"}),
    propfind("/._.", 404),
    propfind("/.metadata_never_index", 404),
    propfind("/Contents", 404),
]


def test_f1_a_document_is_copied_in_with_its_attributes(stage: Stage) -> None:
    stage.play(AGENT, MOUNT + copy_in(("/Rep.pdf", PDF), ("/._Rep.pdf", TAGS)))
    stage.holds({"/Rep.pdf": PDF, "/._Rep.pdf": TAGS}, listed={"Rep.pdf"})


def test_f1_a_document_is_overwritten(stage: Stage) -> None:
    stage.put("/Rep.pdf", PDF)
    held = {"If": "(<{token:/Rep.pdf}>)"}
    stage.play(
        AGENT,
        [
            lock("/Rep.pdf"),
            Step("GET", "/Rep.pdf", 200),
            Step("PUT", "/Rep.pdf", (200, 204), PDF + b" and more", held, chunked=True),
            Step("UNLOCK", "/Rep.pdf", 204, b"", {"Lock-Token": "<{token:/Rep.pdf}>"}),
        ],
    )
    stage.holds({"/Rep.pdf": PDF + b" and more"})
    assert stage.versions("/Rep.pdf") == {PDF}


def test_f1_a_body_that_a_proxy_swallowed_leaves_the_old_document(stage: Stage) -> None:
    stage.put("/Rep.pdf", PDF)
    stage.play(AGENT, [Step("PUT", "/Rep.pdf", 400, b"", {"X-Expected-Entity-Length": "31"}, chunked=True)])
    stage.holds({"/Rep.pdf": PDF})


def test_f2_a_document_is_renamed_and_a_folder_goes_with_its_view(stage: Stage) -> None:
    stage.put("/Rep.pdf", PDF)
    stage.put("/._Rep.pdf", TAGS)
    stage.play(
        AGENT,
        [
            Step("MOVE", "/Rep.pdf", 201, b"", {"Destination": "{url}/Rep2.pdf"}),
            Step("MOVE", "/._Rep.pdf", 201, b"", {"Destination": "{url}/._Rep2.pdf"}),
            Step("MKCOL", "/New/", 201),
            Step("PUT", "/New/.DS_Store", 201),
            propfind("/New/", 207, "1"),
        ],
    )
    stage.holds({}, folder="/New/")  # Finder deletes only a folder that lists nothing
    stage.play(AGENT, [Step("DELETE", "/New/", 204), propfind("/New/.DS_Store", 404)])
    stage.holds({"/Rep2.pdf": PDF, "/._Rep2.pdf": TAGS}, listed={"Rep2.pdf"})


def test_f3_a_refusal_leaves_nothing_and_the_connection_usable(stage: Stage) -> None:
    stage.play(
        AGENT,
        [
            Step("PUT", "/evil.exe", 201, strict=403),
            Step("PUT", "/evil.exe", 204, b"MZ\x90\0" * 50, strict=403, chunked=True),
            Step("OPTIONS", "/", 200),
            propfind("/", 207, "1"),
        ],
    )
    stage.holds({} if stage.refusing else {"/evil.exe": b"MZ\x90\0" * 50})


def test_f3_a_placeholder_whose_content_is_refused_is_gone_after_the_unlock(stage: Stage) -> None:
    program = b"\x7fELF\x02\x01\x01" + b"\0" * 100
    stage.play(
        AGENT,
        [
            Step("PUT", "/Rep.pdf", 201),
            lock("/Rep.pdf"),
            Step("PUT", "/Rep.pdf", 204, program, {"If": "(<{token:/Rep.pdf}>)"}, strict=403, chunked=True),
            Step("UNLOCK", "/Rep.pdf", 204, b"", {"Lock-Token": "<{token:/Rep.pdf}>"}),
        ],
    )
    stage.holds({} if stage.refusing else {"/Rep.pdf": program})


def test_f4_both_spellings_of_an_accent_are_one_file(stage: Stage) -> None:
    stage.play(
        AGENT,
        [
            Step("PUT", "/e%CC%81.txt", 201, b"decomposed"),
            Step("PROPFIND", "/", 207, STATUS, {**XML, "Depth": "1"}, has={"body": "/%C3%A9.txt"}),
            Step("GET", "/e%CC%81.txt", 200),
            Step("PUT", "/%C3%A9.txt", 204, b"composed"),
        ],
    )
    stage.holds({"/e%CC%81.txt": b"composed", "/%C3%A9.txt": b"composed"}, listed={"\u00e9.txt"})


@pytest.mark.parametrize(
    "folder", ["/a.txt.sb-1a2b3c4d-xYz123", "/(A%20Document%20Being%20Saved%20By%20TextEdit)"]
)
def test_a_safe_save_in_a_folder_of_its_own(stage: Stage, folder: str) -> None:
    stage.put("/a.txt", b"old")
    stage.play(
        AGENT,
        [
            propfind(f"{folder}/", 404),
            Step("MKCOL", f"{folder}/", 201),
            *copied_in(f"{folder}/a.txt", b"new"),
            propfind(f"{folder}/", 207, "1"),
            Step("MOVE", f"{folder}/a.txt", 204, b"", {"Destination": "{url}/a.txt"}),
            Step("DELETE", f"{folder}/", 204),
        ],
    )
    stage.holds({"/a.txt": b"new"})
    assert b"old" in stage.versions("/a.txt") | stage.trash()


def test_a_folder_moves_with_the_attributes_in_it(stage: Stage) -> None:
    stage.play(
        AGENT,
        [
            Step("MKCOL", "/In/", 201),
            *copy_in(("/In/Rep.pdf", PDF), ("/In/._Rep.pdf", TAGS)),
            Step("MOVE", "/In/", 201, b"", {"Destination": "{url}/Out/"}),
        ],
    )
    stage.holds({"/Out/Rep.pdf": PDF, "/Out/._Rep.pdf": TAGS}, listed={"Rep.pdf"}, folder="/Out/")


def test_what_macos_keeps_in_folders_is_kept_and_not_listed(stage: Stage) -> None:
    hidden = {"/Icon%0D": TAGS, "/.VolumeIcon.icns": b"icon", "/.TemporaryItems/x/y.dat": b"anything"}
    stage.play(
        AGENT,
        [
            Step("MKCOL", "/.TemporaryItems", 201),
            Step("MKCOL", "/.TemporaryItems/x", 201),
            *(Step("PUT", path, 201, content) for path, content in hidden.items()),
            propfind("/.TemporaryItems", 207, "1"),
            propfind("/Icon%0D", 207),
        ],
    )
    stage.holds(hidden, listed=set())
    stage.play(AGENT, [Step("DELETE", "/.TemporaryItems", 204), propfind("/.TemporaryItems/x/y.dat", 404)])


def test_a_document_in_a_folder_on_its_way_survives_the_loss_of_the_connection(stage: Stage) -> None:
    """What TextEdit has put into its folder is there after it comes back, and the old document too."""
    stage.put("/a.txt", b"old")
    folder = "/a.txt.sb-1a2b3c4d-xYz123"
    stage.play(AGENT, [Step("MKCOL", folder, 201), Step("PUT", f"{folder}/a.txt", 201, b"new")])
    stage.client.close()
    stage.holds({"/a.txt": b"old", f"{folder}/a.txt": b"new"}, listed={"a.txt", folder[1:]})
