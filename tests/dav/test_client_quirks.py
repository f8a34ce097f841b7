"""What single clients do that no standard says, and what they need back: one row for each quirk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.dav import Client
from harness.replay import Replay, Step
from harness.server import Account, Server

LOCKINFO = (
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype>'
    "<owner>somebody</owner></lockinfo>"
)
NAMED = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
TAGGED = "<{url}/tmp.txt> (<{token:/tmp.txt}>)"
FILE = [Step("PUT", "/a.txt", 201, "old")]
OLD = [Step("GET", "/a.txt", 200, has={"body": "old"})]

QUIRKS: dict[str, list[Step]] = {
    "Finder sends chunked bodies with the length in a header of its own": [
        Step("PUT", "/a.txt", 201, "text", {"X-Expected-Entity-Length": "4"}, chunked=True),
        Step("PUT", "/a.txt", 400, "", {"X-Expected-Entity-Length": "4"}),
        Step("GET", "/a.txt", 200, has={"body": "text"}),
    ],
    "Finder, after a refused chunked upload, goes on on the same connection": [
        Step("PUT", "/evil.exe", 403, "MZ" * 5000, chunked=True),
        Step("OPTIONS", "/", 200),
    ],
    "Finder and davfs2 mount for reading only without class 2 on every path": [
        Step("OPTIONS", "/no/such/path.txt", 200, has={"DAV": "1, 2, 3"}),
    ],
    "Explorer asks OPTIONS without credentials, and PROPFIND of every folder above": [
        Step("OPTIONS", "/", 200, anonymous=True, has={"MS-Author-Via": "DAV", "Allow": "LOCK"}),
        Step("PROPFIND", "/", 401, "", {"Depth": "0"}, anonymous=True, has={"WWW-Authenticate": "Basic"}),
        Step("PROPFIND", "/", 207, "", {"Depth": "0"}),
    ],
    "Office signs in with an empty Bearer first": [
        Step("OPTIONS", "/a.docx", 200, "", {"Authorization": "Bearer"}, anonymous=True),
        Step("HEAD", "/a.docx", 401, "", {"Authorization": "Bearer"}, anonymous=True),
    ],
    "Explorer locks a file without a Depth": [
        *FILE,
        Step("LOCK", "/a.txt", 200, LOCKINFO, has={"body": "<D:depth>0</D:depth>"}),
        Step("PUT", "/b.txt", 201, "another file"),
        Step("UNLOCK", "/a.txt", 204, "", {"Lock-Token": "<{token:/a.txt}>"}),
    ],
    "Office understands lock tokens of one shape only": [
        *FILE,
        Step("LOCK", "/a.txt", 200, LOCKINFO, has={"Lock-Token": "<opaquelocktoken:"}),
    ],
    "davfs2 and Explorer lock a name before they create it": [
        Step("LOCK", "/new.txt", 201, LOCKINFO),
        Step("HEAD", "/new.txt", 200, has={"Content-Length": "0"}),
        Step("PUT", "/new.txt", 204, "text", {"If": "(<{token:/new.txt}>)"}),
        Step("UNLOCK", "/new.txt", 204, "", {"Lock-Token": "{token:/new.txt}"}),
    ],
    "Finder renames without an Overwrite header": [
        *FILE,
        Step("PUT", "/b.txt", 201, "other"),
        Step("MOVE", "/a.txt", 204, "", {"Destination": "{url}/b.txt"}),
    ],
    "KIO sends a Destination with its own scheme, proxies one with another port": [
        *FILE,
        Step("MOVE", "/a.txt", 201, "", {"Destination": "webdavs://example.org:8443/b%3Bc%23d.txt"}),
        Step("GET", "/b%3Bc%23d.txt", 200, has={"body": "old"}),
    ],
    "davfs2 moves a locked temporary file over the document": [
        *FILE,
        Step("LOCK", "/tmp.txt", 201, LOCKINFO),
        Step("PUT", "/tmp.txt", 204, "new", {"If": "(<{token:/tmp.txt}>)"}),
        Step("MOVE", "/tmp.txt", 204, "", {"Destination": "{url}/a.txt", "Overwrite": "T", "If": TAGGED}),
        Step("LOCK", "/a.txt", 200, LOCKINFO),
        Step("GET", "/a.txt", 200, has={"body": "new"}),
    ],
    "Nextcloud clients update with If-Match a file that somebody deleted": [
        Step("PUT", "/a.txt", 412, "text", {"If-Match": '"some etag"'}),
        Step("GET", "/a.txt", 404),
    ],
    "Joplin sends an If-None-Match without quotes": [
        *FILE,
        Step("PUT", "/a.txt", 204, "new", {"If-None-Match": "JoplinIgnore-1"}),
    ],
    "webdav4 and others leave out the Depth": [
        Step("MKCOL", "/folder", 201),
        Step("PUT", "/folder/deep.txt", 201, "x"),
        Step("PROPFIND", "/", 207, NAMED, has={"body": "/folder/"}),
        Step("PROPFIND", "/", 403, NAMED, {"Depth": "infinity"}, has={"body": "propfind-finite-depth"}),
    ],
    "some proxies turn XML bodies into chunked ones": [
        *FILE,
        Step("PROPFIND", "/a.txt", 207, NAMED, {"Depth": "0"}, chunked=True, has={"body": "getetag"}),
        Step("LOCK", "/a.txt", 200, LOCKINFO, chunked=True),
    ],
    "the ownCloud client leaves a stray letter in its XML": [
        Step("PROPFIND", "/", 207, NAMED.replace("</prop>", "</prop>M"), {"Depth": "1"}),
    ],
    "webdavclient3 sends PROPPATCH with Depth 1, others DELETE with Depth 0 or a body": [
        *FILE,
        Step(
            "PROPPATCH",
            "/a.txt",
            207,
            '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y">z</x></prop></set></propertyupdate>',
            {"Depth": "1"},
        ),
        Step("DELETE", "/a.txt", 204, "<x/>", {"Depth": "0"}),
    ],
    "Cyberduck and webdavclient3 test a folder with HEAD, Zotero with GET and no slash": [
        Step("MKCOL", "/zotero", 201),
        Step("HEAD", "/", 200),
        Step("HEAD", "/zotero/", 200),
        Step("GET", "/zotero", 200),
    ],
    "broken clients send a part of a file with PUT": [
        *FILE,
        Step("PUT", "/a.txt", 400, "part", {"Content-Range": "bytes 0-3/10"}),
        *OLD,
    ],
    "rclone as owncloud sets times on PUT, COPY and MOVE": [
        Step("PUT", "/a.txt", 201, "old", {"X-OC-Mtime": "1234567890.123"}, has={"X-OC-Mtime": "accepted"}),
        Step("HEAD", "/a.txt", 200, has={"Last-Modified": "Fri, 13 Feb 2009 23:31:30 GMT"}),
        Step("COPY", "/a.txt", 201, "", {"Destination": "/b.txt", "X-OC-Mtime": "1000000000"}),
        Step("HEAD", "/b.txt", 200, has={"Last-Modified": "Sun, 09 Sep 2001 01:46:40 GMT"}),
        Step("MOVE", "/b.txt", 201, "", {"Destination": "/c.txt", "X-OC-Mtime": "1100000000"}),
        Step("HEAD", "/c.txt", 200, has={"Last-Modified": "Tue, 09 Nov 2004 11:33:20 GMT"}),
    ],
    "rclone as owncloud sends a checksum": [
        *FILE,
        Step("PUT", "/a.txt", 400, "new", {"OC-Checksum": "SHA1:" + "0" * 40}, has={"body": "checksum"}),
        *OLD,
    ],
    "macOS asks with decomposed letters for what was stored with composed ones": [
        Step("PUT", "/%C3%A9.txt", 201, "text"),
        Step("GET", "/e%CC%81.txt", 200, has={"body": "text"}),
        Step("PUT", "/e%CC%81.txt", 204, "more"),
        Step("PROPFIND", "/", 207, NAMED, {"Depth": "1"}, has={"body": "/%C3%A9.txt"}),
    ],
    "old Nextcloud clients send numbered chunks of a file": [
        Step("PUT", "/big.txt-chunking-1-2-0", 501, "part", {"OC-Chunked": "1"}),
    ],
    "gvfs shows the reason phrase, rclone and Joplin the message": [
        Step("PUT", "/a.exe", 403, "MZ", has={"body": "<s:message>Files of type .exe are not allowed"}),
        Step("PUT", "/none/a.txt", 409, "x", has={"body": "<s:exception>Sabre\\DAV\\Exception\\Conflict"}),
    ],
    "npm webdav takes a 207 of DELETE for success": [
        Step("MKCOL", "/folder", 201),
        Step("LOCK", "/folder/a.txt", 201, LOCKINFO),
        Step("DELETE", "/folder", 423, has={"body": "<d:href>/folder/a.txt</d:href>"}),
        Step("GET", "/folder/a.txt", 200),
    ],
    "Nextcloud clients want 201 and an unchanged ETag from MOVE": [
        *FILE,
        Step("MOVE", "/a.txt", 201, "", {"Destination": "/b.txt"}, has={"ETag": "{etag:/a.txt}"}),
        Step("HEAD", "/b.txt", 200, has={"ETag": "{etag:/a.txt}"}),
    ],
    "Nextcloud clients want exactly this content type from PROPFIND": [
        Step("PROPFIND", "/", 207, NAMED, has={"Content-Type": "application/xml; charset=utf-8"}),
    ],
    "Joplin and Floccus make a folder that is there": [
        Step("MKCOL", "/folder", 201),
        Step("MKCOL", "/folder", 405, has={"Allow": "PROPFIND"}),
        Step("MKCOL", "/none/folder", 409),
    ],
}


@pytest.fixture
def anonymous(server: Server) -> Iterator[Client]:
    with Client(server) as connection:
        yield connection


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_quirk_is_no_obstacle(
    server: Server, account: Account, client: Client, anonymous: Client, quirk: str
) -> None:
    Replay(client, anonymous, server.url, refusing=False).play("a client", QUIRKS[quirk])


def test_the_reason_phrase_says_why(client: Client) -> None:
    assert client.put("/a.exe", b"MZ").reason == "File type not allowed"
    assert client.put("/a:b.txt", b"x").reason == "Name not allowed"


def test_the_server_does_not_pass_for_another(client: Client) -> None:
    answer = client("OPTIONS", "/")
    assert "IIS" not in (answer.headers["Server"] or "")
    assert set(answer["DAV"].split(", ")) == {"1", "2", "3", "extended-mkcol"}
