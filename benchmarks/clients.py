"""Whole clients: a session as the file manager of an operating system holds it, and rclone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load import Connection
from benchmarks.peers import MIB, PASSWORD, PATH, USER, Place

FILES = 60  # of a session
_IN_TREE = 5  # times as many as go up
_LOCK = (
    b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype>'
    b"<owner>bench</owner></lockinfo>"
)
_PATCH = (
    b'<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
    b"<Z:Win32LastModifiedTime>Mon, 02 Nov 2026 10:00:00 GMT</Z:Win32LastModifiedTime>"
    b"<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>"
)


def session(place: Place) -> float:
    """Milliseconds for each file that Windows Explorer makes, locks, writes, describes, renames and deletes.

    Raises RuntimeError when a request of it is not answered as it must be.
    """
    began = time.perf_counter()
    with Connection(place) as connection:
        hand = _Hand(connection, place)
        hand("MKCOL", "/session/")
        for number in range(FILES):
            hand.one_file(f"/session/new%20{number}.txt", f"/session/kept%20{number}.txt")
        hand("DELETE", "/session/")
    return (time.perf_counter() - began) * 1000 / FILES


class _Hand:
    def __init__(self, connection: Connection, place: Place) -> None:
        self._connection = connection
        self._url = place.url

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._connection.ask(self._connection.request(method, path, body, fields))

    def one_file(self, path: str, target: str) -> None:
        self.is_missing(path)
        self("PUT", path, Content_Length="0")
        token = re.search(rb"(?i)\r\nlock-token:\s*<?([^>\r]+)", self("LOCK", path, _LOCK, Depth="0"))
        if token is None:
            raise RuntimeError("LOCK gives no token")
        held = token[1].decode()
        self("PUT", path, b"x" * 4096, If=f"(<{held}>)")
        self("PROPPATCH", path, _PATCH, If=f"(<{held}>)")
        self("HEAD", path)
        self("UNLOCK", path, Lock_Token=f"<{held}>")
        self("MOVE", path, Destination=self._url + target, Overwrite="F")
        self("PROPFIND", target, Depth="0")
        self("DELETE", target)

    def is_missing(self, path: str) -> None:
        try:
            self("PROPFIND", path, Depth="0")
        except RuntimeError:
            return
        raise RuntimeError("a file is there that was never made")


def rclone_up(place: Place) -> float:
    """Files a second, of many small ones."""
    with _small_files(place.scale.files) as folder:
        return place.scale.files / _rclone(place, "copy", folder, "dav:set")


def rclone_check(place: Place) -> float:
    """Files a second, of those that went up."""
    with _small_files(place.scale.files) as folder:
        return place.scale.files / _rclone(place, "check", folder, "dav:set")


def rclone_list(place: Place) -> float:
    """Files a second of a whole tree, found folder by folder."""
    count = _IN_TREE * place.scale.files
    for number in range(count):
        folder = place.files / "tree" / str(number % 50)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").touch()
    place.give(place.files / "tree")
    return count / _rclone(place, "lsf", "-R", "dav:tree")


def rclone_large_up(place: Place) -> float:
    """MiB a second."""
    with tempfile.NamedTemporaryFile(prefix="bench-large-", suffix=".txt") as file:
        for _ in range(place.scale.large // MIB):
            file.write(bytes(MIB))
        file.flush()
        return place.scale.large / MIB / _rclone(place, "copyto", file.name, "dav:rclone.txt")


def rclone_large_down(place: Place) -> float:
    """MiB a second, of what was uploaded last."""
    return place.scale.large / MIB / _rclone(place, "cat", "--discard", "dav:rclone.txt")


@contextlib.contextmanager
def _small_files(count: int) -> Iterator[str]:
    """A folder of them, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="bench-rclone-") as folder:
        for number in range(count):
            below = Path(folder, str(number % 20))
            below.mkdir(exist_ok=True)
            (below / f"{number}.txt").write_bytes(b"x" * (number % 8192))
        yield folder


def _rclone(place: Place, *arguments: str) -> float:
    """Seconds that rclone takes. Raises RuntimeError when it fails."""
    program = shutil.which("rclone", path=PATH)
    if program is None:
        raise RuntimeError("needs rclone")
    obscured = subprocess.run([program, "obscure", PASSWORD], capture_output=True, text=True, check=True)
    environment = {
        **os.environ,
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_DAV_TYPE": "webdav",
        "RCLONE_CONFIG_DAV_URL": place.url,
        "RCLONE_CONFIG_DAV_VENDOR": "other",
        "RCLONE_CONFIG_DAV_USER": USER,
        "RCLONE_CONFIG_DAV_PASS": obscured.stdout.strip(),
        "RCLONE_WEBDAV_PACER_MIN_SLEEP": "0",
    }
    began = time.perf_counter()
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"rclone {arguments[0]}: {done.stderr[-200:]}")
    return time.perf_counter() - began
