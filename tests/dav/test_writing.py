"""PUT, DELETE and MKCOL over HTTP: whole or not at all, with the conditions and promises of the request."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness.dav import Answer, Client
from harness.raw import Raw, trusting
from harness.server import Account, Server

OLD, NEW = b"the old content", b"the new content"
SHA1 = hashlib.sha1(NEW).hexdigest()
MD5 = hashlib.md5(NEW).hexdigest()
SHA256 = base64.b64encode(hashlib.sha256(NEW).digest()).decode()


def test_a_new_file_is_201_and_a_replaced_one_204_each_with_its_etag(client: Client) -> None:
    first, second = client.put("/a.txt", OLD), client.put("/a.txt", NEW)
    assert (first.status, second.status) == (201, 204)
    assert first.etag != second.etag
    assert client.get("/a.txt").etag == second.etag
    assert client.get("/a.txt")["Last-Modified"] == second["Last-Modified"]


def test_a_chunked_upload_is_stored_whole(client: Client) -> None:
    assert client("PUT", "/a.txt", iter([b"one ", b"", b"two"])).status == 201
    assert client.get("/a.txt").body == b"one two"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Range": "bytes 0-3/10"}, 400),
        ({"OC-Chunked": "1"}, 501),
        ({"OC-Checksum": "SHA1:" + "0" * 40}, 400),
        ({"OC-Checksum": "SHA1:xyz"}, 400),
        ({"Content-MD5": base64.b64encode(bytes(16)).decode()}, 400),
        ({"Content-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}, 400),
        ({"Repr-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"}, 400),
        ({"If-Match": '"other"'}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 412),
        ({"If": '(["other"])'}, 412),
        ({"If": "(<urn:uuid:00000000-0000-0000-0000-000000000000>)"}, 412),
        ({"If": "("}, 400),
    ],
)
def test_a_refused_upload_leaves_the_file_as_it_was(
    client: Client, server: Server, account: Account, headers: dict[str, str], status: int
) -> None:
    etag = client.put("/a.txt", OLD).headers["ETag"]
    assert client("PUT", "/a.txt", NEW, headers).status == status
    answer = client.get("/a.txt")
    assert (answer.body, answer.etag) == (OLD, etag)
    assert client.names("/") == {"a.txt"}
    files = server.files(account)  # there only where files are on the disk
    assert not files.exists() or [path.name for path in files.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    "headers",
    [
        {"OC-Checksum": f"SHA1:{SHA1}"},
        {"OC-Checksum": f"MD5:{MD5} SHA1:{SHA1.upper()} ADLER32:{zlib.adler32(NEW):08x}"},
        {"OC-Checksum": "UNHEARD:1"},
        {"Content-MD5": base64.b64encode(bytes.fromhex(MD5)).decode()},
        {"Content-Digest": f"sha-256=:{SHA256}:"},
        {"Repr-Digest": f"sha-256=:{SHA256}:, sha-3=:AA==:"},
        {"If-Match": "*"},
        {"If-None-Match": "JoplinIgnore-1"},
        {"X-OC-Mtime": "yesterday"},
        {"X-Expected-Entity-Length": str(len(NEW))},
        {"X-Expected-Entity-Length": "many"},
    ],
)
def test_an_upload_that_keeps_its_promises_is_stored(client: Client, headers: dict[str, str]) -> None:
    client.put("/a.txt", OLD)
    assert client("PUT", "/a.txt", NEW, headers).status == 204
    assert client.get("/a.txt").body == NEW


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": "*"}, {"If-Match": '"x"'}, {"If": '(["x"])'}, {"If": "(<urn:uuid:0>)"}],
)
def test_a_condition_on_a_missing_file_does_not_create_it(client: Client, headers: dict[str, str]) -> None:
    assert client("PUT", "/a.txt", NEW, headers).status == 412
    assert client.get("/a.txt").status == 404


def test_a_tagged_condition_asks_about_the_resource_it_names(client: Client) -> None:
    client.put("/a.txt", OLD)
    other = client.put("/b.txt", OLD).etag
    condition = f"<{client.url('/b.txt')}> ([{other}])"
    assert client("PUT", "/a.txt", NEW, {"If": condition}).status == 204
    client.put("/b.txt", NEW)
    assert client("PUT", "/a.txt", OLD, {"If": condition}).status == 412


def test_an_upload_that_announces_bytes_and_brings_none_keeps_the_old_file(client: Client) -> None:
    client.put("/a.txt", OLD)
    for body in (b"", iter([b""])):
        assert client("PUT", "/a.txt", body, {"X-Expected-Entity-Length": "15"}).status == 400
    assert client.get("/a.txt").body == OLD


@pytest.mark.parametrize("method", ["PUT", "COPY", "MOVE"])
def test_a_client_sets_the_time_of_what_it_writes(client: Client, method: str) -> None:
    client.put("/source.txt", OLD)
    if method == "PUT":
        answer = client("PUT", "/a.txt", NEW, {"X-OC-Mtime": "1234567890.5"})
    else:
        headers = {"Destination": "/a.txt", "X-OC-Mtime": "1234567890"}
        answer = client(method, "/source.txt", headers=headers)
    assert answer.status == 201
    assert answer["X-OC-Mtime"] == "accepted"
    assert client.get("/a.txt")["Last-Modified"] == "Fri, 13 Feb 2009 23:31:30 GMT"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/folder", 405), ("/folder/", 405), ("/", 405), ("/none/a.txt", 409), ("/file.txt/a.txt", 409)],
)
def test_where_no_file_can_be_nothing_is_written(client: Client, path: str, status: int) -> None:
    client("MKCOL", "/folder")
    client.put("/file.txt", OLD)
    answer = client.put(path, NEW)
    assert answer.status == status
    if status == 405:
        assert "PUT" not in answer["Allow"].split(", ")
    assert client.get("/file.txt").body == OLD


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/folder", 405),
        ("/file.txt", 405),
        ("/", 405),
        ("/none/new", 409),
        ("/file.txt/new", 409),
        ("/new", 201),
    ],
)
def test_a_folder_is_made_where_nothing_is_and_a_folder_can_hold_it(
    client: Client, path: str, status: int
) -> None:
    client("MKCOL", "/folder")
    client.put("/file.txt", OLD)
    answer = client("MKCOL", path)
    assert answer.status == status
    if status == 405:
        assert "MKCOL" not in answer["Allow"].split(", ")


def test_a_body_that_mkcol_does_not_understand_makes_nothing(client: Client) -> None:
    assert client("MKCOL", "/new", b"hello", {"Content-Type": "text/plain"}).status == 415
    assert client.get("/new").status == 404


@pytest.mark.own_http
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/evil.exe", "", 403),
        ("/a:b.txt", "", 403),
        ("/folder", "", 405),
        ("/none/a.txt", "", 409),
        ("/file.txt/a.txt", "", 409),
        ("/file.txt", 'If-Match: "other"\r\n', 412),
        ("/new.txt", "If-Match: *\r\n", 412),
        ("/locked.txt", "", 423),
        ("/new.txt", "OC-Chunked: 1\r\n", 501),
        ("/new.txt", "Content-Range: bytes 0-1/2\r\n", 400),
        ("/new.txt", "OC-Checksum: MD5:x\r\n", 400),
    ],
)
def test_what_is_refused_is_refused_before_the_body_is_sent(
    client: Client, server: Server, account: Account, path: str, headers: str, status: int
) -> None:
    client("MKCOL", "/folder")
    client.put("/file.txt", OLD)
    client.lock("/locked.txt")
    credentials = base64.b64encode(f"{account.name}:{account.password}".encode()).decode()
    request = (
        f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n"
        f"Content-Length: 1000000\r\nExpect: 100-continue\r\n{headers}\r\n"
    )
    with Raw(server.port, tls=trusting() if server.scheme == "https" else None) as connection:
        answer = connection.ask(request.encode())
        assert (answer.status, answer.interim) == (status, [])


@pytest.fixture
def other(server: Server, account: Account) -> Iterator[Client]:
    """A second connection of the same user."""
    with Client(server, account) as connection:
        yield connection


@pytest.mark.parametrize(
    ("meanwhile", "headers", "status"),
    [
        (lambda c: c.lock("/a.txt"), {}, 423),
        (lambda c: c.lock("/"), {}, 423),
        (lambda c: c.put("/a.txt", b"theirs"), {"If-Match": "{etag}"}, 412),
        (lambda c: c.put("/a.txt", b"theirs"), {"If": "([{etag}])"}, 412),
        (lambda c: c("DELETE", "/a.txt"), {"If-Match": "*"}, 412),
        (lambda c: c.put("/a.txt", b"theirs"), {}, 204),
    ],
)
def test_what_happens_during_an_upload_counts_when_it_ends(
    client: Client, other: Client, meanwhile: Callable[[Client], Answer], headers: dict[str, str], status: int
) -> None:
    etag = client.put("/a.txt", OLD).etag

    def body() -> Iterator[bytes]:
        yield NEW[:5]
        assert meanwhile(other).status < 300
        yield NEW[5:]

    filled = {name: value.format(etag=etag) for name, value in headers.items()}
    assert client("PUT", "/a.txt", body(), filled).status == status
    assert (client.get("/a.txt").body == NEW) is (status == 204)


def test_a_new_name_taken_during_an_upload_is_not_overwritten(client: Client, other: Client) -> None:
    def body() -> Iterator[bytes]:
        yield NEW
        assert other.put("/a.txt", OLD).status == 201

    assert client("PUT", "/a.txt", body(), {"If-None-Match": "*"}).status == 412
    assert client.get("/a.txt").body == OLD


MKCOL = '<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/></resourcetype>{}</prop></set></mkcol>'
XML = {"Content-Type": "text/xml; charset=utf-8"}


def test_a_folder_is_made_with_its_properties(client: Client) -> None:
    body = MKCOL.format('<color xmlns="urn:test">red</color>')
    assert client("MKCOL", "/new", body, XML).status == 201
    found = client.propfind("/new", "0", ["{urn:test}color"]).responses()
    assert found["/new/"]["{urn:test}color"].text == "red"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (MKCOL.format("<getetag>mine</getetag>"), 403),
        (MKCOL.replace("<collection/>", '<collection/><calendar xmlns="urn:c"/>').format(""), 403),
        (MKCOL.replace("<collection/>", "").format(""), 403),
        ("<mkcol", 400),
        ('<other xmlns="DAV:"/>', 400),
    ],
)
def test_a_folder_that_cannot_be_as_asked_is_not_made(client: Client, body: str, status: int) -> None:
    assert client("MKCOL", "/new", body, XML).status == status
    assert client.get("/new").status == 404


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (None, {}),
        (b"<x/>", {}),
        (None, {"Depth": "0"}),
        (None, {"Depth": "1"}),
        (None, {"Depth": "infinity"}),
        ([b"chunked"], {}),
    ],
)
@pytest.mark.parametrize("path", ["/folder", "/folder/", "/a.txt"])
def test_delete_takes_the_whole_resource_whatever_comes_with_it(
    client: Client, path: str, body: Any, headers: dict[str, str]
) -> None:
    client.put("/a.txt", OLD)
    client("MKCOL", "/folder")
    client.put("/folder/a.txt", OLD)
    assert client("DELETE", path, body, headers).status == 204
    assert client.get(path).status == 404
    assert client.get("/").status == 200  # the connection is still good


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/none.txt", {}, 404),
        ("/none.txt", {"If-Match": "*"}, 404),
        ("/a.txt", {"If-Match": '"other"'}, 412),
        ("/", {}, 403),
    ],
)
def test_a_refused_delete_leaves_everything(
    client: Client, path: str, headers: dict[str, str], status: int
) -> None:
    client.put("/a.txt", OLD)
    assert client("DELETE", path, headers=headers).status == status
    assert client.get("/a.txt").body == OLD


@pytest.mark.parametrize("method", ["PUT", "DELETE", "MKCOL", "LOCK"])
@pytest.mark.parametrize(
    "path", ["/a%00.txt", "/a%01.txt", "/a%7f.txt", "/%2e%2e/a.txt", "/" + "x" * 300, "/a%ff.txt"]
)
def test_a_name_that_cannot_be_is_refused_with_a_reason(client: Client, method: str, path: str) -> None:
    answer = client(method, path, b"" if method == "PUT" else None)
    assert 400 <= answer.status < 500
    if answer.status == 403:
        assert answer.message
