"""Scanning: a virus never counts, and what cannot be judged is refused or let in, as configured."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness.dav import Client
from harness.server import Server

from filehost_dav.errors import NotFound, Refused, Unavailable
from filehost_dav.paths import FilePath
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.scanning import ScannedTree, Scanner

# The standard test file, in two halves: scanners would take this file for it.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
PATH = FilePath.parse("/a.txt")


class Bytes:
    """A body from memory, in small pieces."""

    def __init__(self, content: bytes) -> None:
        self._rest = content
        self.length = len(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest), 1000)
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LocalStorage]:
    made = LocalStorage(tmp_path / "data")
    yield made
    made.close()


@contextmanager
def clamd(answer: bytes | None, limit: int = 10**9) -> Iterator[str]:
    """The address of something that speaks like clamd: `answer` to every file, None for never."""

    def converse(sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as said:
            assert said.read(10) == b"zINSTREAM\0"
            taken = 0
            while size := int.from_bytes(said.read(4), "big"):
                taken += len(said.read(size))
                if taken > limit:
                    sock.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            if answer is not None:
                sock.sendall(answer)
            else:
                said.read(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=converse, args=(sock,), daemon=True).start()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_clean_file_is_stored_whole(storage: LocalStorage) -> None:
    content = bytes(range(256)) * 100
    with clamd(b"stream: OK\0") as address:
        tree = ScannedTree(storage.tree("anna"), Scanner(address))
        assert tree.write(PATH, Bytes(content)).created
        with tree.open(PATH) as found:
            assert b"".join(found.blocks(0, len(content))) == content


def test_a_virus_is_refused_and_the_earlier_content_stays(storage: LocalStorage) -> None:
    storage.tree("anna").write(PATH, Bytes(b"earlier"))
    with clamd(b"stream: Eicar-Test FOUND\0") as address:
        tree = ScannedTree(storage.tree("anna"), Scanner(address))
        with pytest.raises(Refused, match="Eicar-Test") as caught:
            tree.write(PATH, Bytes(b"later"))
        assert caught.value.rule == "virus"
        assert tree.stat(PATH).size == 7
        with pytest.raises(Refused):
            tree.write(FilePath.parse("/b.txt"), Bytes(b"new"))
        with pytest.raises(NotFound):
            tree.stat(FilePath.parse("/b.txt"))


def test_an_empty_file_needs_no_scanner(storage: LocalStorage) -> None:
    tree = ScannedTree(storage.tree("anna"), Scanner("127.0.0.1:1"))
    assert tree.write(PATH, Bytes(b"")).created


UNABLE: dict[str, tuple[bytes | None, int]] = {
    "an error": (b"stream: lstat() failed: ERROR\0", 10**9),
    "a closed connection": (b"", 10**9),
    "a size limit": (b"stream: OK\0", 5000),
    "no answer": (None, 10**9),
}


@pytest.mark.parametrize(("answer", "limit"), UNABLE.values(), ids=UNABLE)
@pytest.mark.parametrize("strict", [True, False], ids=["refused", "let in"])
def test_what_cannot_be_judged_is_refused_or_let_in(
    storage: LocalStorage, answer: bytes | None, limit: int, strict: bool
) -> None:
    with clamd(answer, limit) as address:
        tree = ScannedTree(storage.tree("anna"), Scanner(address, timeout=0.3, strict=strict))
        if strict:
            with pytest.raises(Unavailable):
                tree.write(PATH, Bytes(b"x" * 20_000))
            with pytest.raises(NotFound):
                tree.stat(PATH)
        else:
            assert tree.write(PATH, Bytes(b"x" * 20_000)).entry.size == 20_000


@pytest.mark.parametrize("address", ["127.0.0.1:1", "/no/such/socket"])
def test_a_scanner_that_is_down_lets_nothing_in_by_default(storage: LocalStorage, address: str) -> None:
    with pytest.raises(Unavailable):
        ScannedTree(storage.tree("anna"), Scanner(address)).write(PATH, Bytes(b"x"))


@pytest.fixture
def real_clamd(tmp_path: Path) -> Iterator[str]:
    """clamd of the distribution, with one signature of our own: the test file's."""
    if shutil.which("clamd") is None:
        pytest.skip("clamd is not installed")
    folder = tmp_path / "clamd"
    (folder / "signatures").mkdir(parents=True)
    (folder / "signatures" / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
    place = folder / "socket"
    (folder / "conf").write_text(
        f"LocalSocket {place}\nDatabaseDirectory {folder}/signatures\nForeground yes\nOfficialDatabaseOnly no\n"
        f"LogFile {folder}/log\nTemporaryDirectory {folder}\n"
    )
    process = subprocess.Popen(["clamd", "-c", str(folder / "conf")], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not place.exists():
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < end
        time.sleep(0.05)
    yield str(place)
    process.terminate()
    process.wait(20)


@pytest.mark.clients
def test_the_test_virus_is_refused_over_webdav_by_the_real_clamd(
    start_server: Callable[..., Server], real_clamd: str
) -> None:
    server = start_server(FILEHOST_SCAN_CLAMD=real_clamd)
    anna = server.add_user("anna")
    with Client(server, anna) as client:
        assert client.put("/good.txt", b"x" * 3_000_000).status == 201
        refused = client.put("/bad.txt", EICAR)
        assert (refused.status, refused.reason) == (403, "Virus found")
        assert "Test.Eicar" in refused.message
        assert client("PUT", "/chunked.txt", iter([EICAR[:30], EICAR[30:]])).status == 403
        assert client.put("/good.txt", b"y" * 1000 + EICAR).status == 403
        assert client("GET", "/good.txt").body == b"x" * 3_000_000
        assert client.names("/") == {"good.txt"}
