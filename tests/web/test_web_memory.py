"""A form with a large file, and a zip of it, pass through the real server without being held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from harness.page import BROWSER, SAME_SITE, Visitor
from harness.server import Account, Server

pytestmark = pytest.mark.slow

MEGABYTE = 1 << 20
SIZE = 300 * MEGABYTE
CEILING = 24 * MEGABYTE


@pytest.fixture
def visitor(server: Server, account: Account) -> Visitor:
    """A browser that is signed in at the real server."""
    made = Visitor(server.port)
    assert made.sign_in(account.name, account.password).status == 303
    return made


def form(token: str, size: int) -> Iterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n' + token.encode() + b"\r\n"
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
    for _ in range(size // MEGABYTE):
        yield b"x" * MEGABYTE
    yield b"\r\n--b--\r\n"


def test_neither_a_form_nor_a_zip_is_held_in_memory(server: Server, account: Account, visitor: Visitor) -> None:
    pieces = [len(piece) for piece in form("t" * 64, 0)]
    length = sum(pieces) + SIZE
    visitor.get("/?plain")
    before = server.peak_memory()
    headers = {
        **SAME_SITE,
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(length),
        "Cookie": f"filehost={visitor.cookies['filehost']}",
    }
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/?plain", form(visitor.token(), SIZE), headers)
    assert connection.getresponse().status == 303
    connection.close()
    assert (server.files(account) / "big.txt").stat().st_size == SIZE
    assert server.peak_memory() - before < CEILING

    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/.filehost/zip?path=/", headers={**BROWSER, "Cookie": headers["Cookie"]})
    answer, received = connection.getresponse(), 0
    while block := answer.read(MEGABYTE):
        received += len(block)
    connection.close()
    assert received > SIZE
    assert server.peak_memory() - before < CEILING
