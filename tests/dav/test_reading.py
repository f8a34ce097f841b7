"""GET and HEAD over HTTP: bytes, ranges, conditions, and headers that keep a browser from harm."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import cast

import pytest
from harness.dav import Answer, Client
from harness.server import Account, Server

DIGITS = b"0123456789"


@pytest.fixture
def digits(client: Client) -> Answer:
    """The answer to a GET of /digits.txt, which was just written."""
    assert client.put("/digits.txt", DIGITS).status == 201
    return client.get("/digits.txt")


def test_a_file_comes_back_byte_for_byte(client: Client) -> None:
    body = bytes(range(256)) * 5000
    client.put("/a.txt", body)
    answer = client.get("/a.txt")
    assert (answer.status, answer.body) == (200, body)
    assert answer["Content-Length"] == str(len(body))


def test_an_empty_file_comes_back_empty(client: Client) -> None:
    client.put("/a.txt", b"")
    answer = client.get("/a.txt")
    assert (answer.status, answer.body, answer["Content-Length"]) == (200, b"", "0")


def test_head_says_what_get_says(client: Client, digits: Answer) -> None:
    head = client("HEAD", "/digits.txt")
    assert (head.status, head.body) == (200, b"")
    ignored = {"date"}
    assert {k.lower(): v for k, v in head.headers.items() if k.lower() not in ignored} == {
        k.lower(): v for k, v in digits.headers.items() if k.lower() not in ignored
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/folder", "/folder/"])
def test_a_folder_answers_200_without_a_redirect(client: Client, method: str, path: str) -> None:
    client("MKCOL", "/folder")
    assert client(method, path).status == 200


@pytest.mark.parametrize(
    "path", ["/none.txt", "/no/such/folder.txt", "/a%01b.txt", "/" + "x" * 300, "/%E2%80%AE"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_not_found(client: Client, method: str, path: str) -> None:
    assert client(method, path).status == 404


@pytest.mark.parametrize(
    ("range_", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=5-", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=0-1000", 206, DIGITS, "bytes 0-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=4-2", 200, DIGITS, None),
        ("items=0-1", 200, DIGITS, None),
        ("bytes=0-1,x", 200, DIGITS, None),
        ("bytes=" + ",".join(["0-0"] * 4000), 200, DIGITS, None),
    ],
)
def test_one_range(
    client: Client, digits: Answer, range_: str, status: int, body: bytes | None, content_range: str | None
) -> None:
    answer = client.get("/digits.txt", Range=range_)
    assert answer.status == status
    assert answer.headers["Content-Range"] == content_range
    if body is not None:
        assert answer.body == body
        assert answer["Content-Length"] == str(len(body))


def test_several_ranges_come_as_parts_in_the_order_asked_for(client: Client, digits: Answer) -> None:
    answer = client.get("/digits.txt", Range="bytes=7-8, 0-1")
    assert answer.status == 206
    assert answer["Content-Length"] == str(len(answer.body))
    head = f"Content-Type: {answer['Content-Type']}\r\n\r\n".encode()
    parts = cast("list[Message]", message_from_bytes(head + answer.body).get_payload())
    assert [part.get_payload(decode=True) for part in parts] == [b"78", b"01"]
    assert [part["Content-Range"] for part in parts] == ["bytes 7-8/10", "bytes 0-1/10"]
    assert all(part["Content-Type"] == digits["Content-Type"] for part in parts)


@pytest.mark.parametrize(
    ("which", "status"), [("etag", 206), ("date", 206), ("old etag", 200), ("old date", 200)]
)
def test_a_part_is_only_sent_beside_the_same_content(
    client: Client, digits: Answer, which: str, status: int
) -> None:
    validator = {
        "etag": digits.etag,
        "date": digits["Last-Modified"],
        "old etag": '"old"',
        "old date": "Sun, 06 Nov 1994 08:49:37 GMT",
    }[which]
    answer = client.get("/digits.txt", Range="bytes=0-1", If_Range=validator)
    assert answer.status == status
    assert answer.body == (b"01" if status == 206 else DIGITS)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "{etag}"}, 304),
        ({"If-None-Match": 'W/{etag}, "x"'}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-Modified-Since": "{date}"}, 304),
        ({"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": "{etag}"}, 200),
        ({"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 412),
        ({"If": '(["x"])'}, 412),
        ({"If": "([{etag}])"}, 200),
        ({"If": "nonsense"}, 400),
    ],
)
def test_a_read_with_conditions(
    client: Client, digits: Answer, method: str, headers: dict[str, str], status: int
) -> None:
    filled = {
        name: value.format(etag=digits.etag, date=digits["Last-Modified"]) for name, value in headers.items()
    }
    answer = client(method, "/digits.txt", headers=filled)
    assert answer.status == status
    if status == 304:
        assert answer.etag == digits.etag
        assert answer.body == b""


def test_a_folder_has_an_etag_that_saves_sending(client: Client) -> None:
    etag = client.get("/").etag
    assert client.get("/", If_None_Match=etag).status == 304


@pytest.mark.parametrize(
    ("name", "disposition"),
    [("a.txt", "inline"), ("a.png", "inline"), ("a.docx", "attachment"), ("a%22%0D%0A;x.pdf", None)],
)
def test_what_a_browser_could_run_is_only_saved(client: Client, name: str, disposition: str | None) -> None:
    status = client.put(f"/{name}", b"").status
    if disposition is None:
        assert status == 403
        return
    answer = client.get(f"/{name}")
    assert answer["Content-Disposition"].startswith(disposition)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_the_name_of_a_download_survives_in_any_script(client: Client) -> None:
    client.put("/%D1%84%D0%BE%D1%82%D0%BE%201.txt", b"x")
    answer = client.get("/%D1%84%D0%BE%D1%82%D0%BE%201.txt")
    assert answer["Content-Disposition"] == "inline; filename*=UTF-8''%D1%84%D0%BE%D1%82%D0%BE%201.txt"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("algorithm", "name"), [("sha-256", "sha256"), ("sha-512", "sha512")])
def test_a_digest_is_told_on_request(
    client: Client, digits: Answer, method: str, algorithm: str, name: str
) -> None:
    answer = client(method, "/digits.txt", headers={"Want-Repr-Digest": f"{algorithm}=9"})
    expected = base64.b64encode(hashlib.new(name, DIGITS).digest()).decode()
    assert answer["Repr-Digest"] == f"{algorithm}=:{expected}:"
    assert digits.headers["Repr-Digest"] is None


def test_a_digest_beside_a_range_is_that_of_the_whole_file(client: Client, digits: Answer) -> None:
    answer = client("GET", "/digits.txt", headers={"Want-Repr-Digest": "sha-256=1", "Range": "bytes=0-1"})
    expected = base64.b64encode(hashlib.sha256(DIGITS).digest()).decode()
    assert (answer.body, answer["Repr-Digest"]) == (b"01", f"sha-256=:{expected}:")


@pytest.mark.parametrize("headers", [{}, {"Want-Repr-Digest": "sha-256=1"}])
def test_a_head_has_no_ranges(client: Client, digits: Answer, headers: dict[str, str]) -> None:
    answer = client("HEAD", "/digits.txt", headers={"Range": "bytes=0-1", **headers})
    assert (answer.status, answer["Content-Length"]) == (200, "10")


@pytest.fixture
def visitor(server: Server) -> Iterator[Client]:
    with Client(server) as connection:
        yield connection


@pytest.mark.parametrize("path", ["/", "/none", "/no/such/parent.txt", "/a%01b", "*"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}])
def test_options_is_answered_anywhere_without_sign_in(
    visitor: Client, path: str, headers: dict[str, str]
) -> None:
    answer = visitor("OPTIONS", path, headers=headers)
    assert answer.status == 200
    assert {"1", "2", "3"} <= {word.strip() for word in answer["DAV"].split(",")}
    assert answer["MS-Author-Via"] == "DAV"
    assert {"LOCK", "PUT", "PROPFIND"} <= {word.strip() for word in answer["Allow"].split(",")}
    assert "IIS" not in (answer.headers["Server"] or "")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PROPFIND", "LOCK", "MKCOL", "DELETE"])
def test_everything_else_asks_for_sign_in(visitor: Client, method: str) -> None:
    answer = visitor(method, "/a.txt", headers={"Authorization": "Bearer"})
    assert answer.status == 401
    assert answer["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("method", ["PATCH", "REPORT", "ACL", "TRACE", "SEARCH", "BREW"])
def test_an_unknown_method_is_refused_with_those_that_are_known(
    client: Client, account: Account, method: str
) -> None:
    answer = client(method, "/")
    assert answer.status in (405, 501)
    if answer.status == 405:
        assert "PROPFIND" in answer["Allow"]
