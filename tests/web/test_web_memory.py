"""A form with a large file, and a zip of it, pass through the real server without being held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest
from harness.page import BROWSER, SAME_SITE, Visitor
from harness.server import Account, Server

pytestmark = pytest.mark.slow

MEGABYTE = 1 << 20
SIZE = 300 * MEGABYTE
CEILING = 24 * MEGABYTE
FILES = 10_000
CEILING_OF_A_PAGE = 9 * MEGABYTE


def signed_in(server: Server, account: Account) -> Visitor:
    """A browser that is signed in at the real server."""
    visitor = Visitor(server.port)
    assert visitor.sign_in(account.name, account.password).status == 303
    return visitor


def form(token: str, size: int) -> Iterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n' + token.encode() + b"\r\n"
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
    for _ in range(size // MEGABYTE):
        yield b"x" * MEGABYTE
    yield b"\r\n--b--\r\n"


def test_neither_a_form_nor_a_zip_is_held_in_memory(server: Server, account: Account) -> None:
    visitor = signed_in(server, account)
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


def test_the_plain_page_of_a_large_folder_takes_little_memory(start_server: Callable[..., Server]) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="1")
    account = server.add_user("anna")
    visitor = signed_in(server, account)
    (server.files(account) / "large").mkdir(parents=True)
    for number in range(FILES):
        (server.files(account) / "large" / f"{number:05}.txt").touch()
    visitor.get("/?plain")
    server.forget_peak()
    before = server.peak_memory()
    page = visitor.get("/large/?plain").text
    assert page.count('type="checkbox" name="name"') == FILES
    assert page.index("00000.txt") < page.index("09999.txt") < page.index("</tbody>")
    assert server.peak_memory() - before < CEILING_OF_A_PAGE
