"""Scanning for viruses: what is uploaded passes clamd on its way to the disk, and is judged before it counts.

The bytes go to clamd as they arrive. The last read of a body waits for the verdict and raises where
there is a virus, so the storage discards what it has, as with any body that breaks. What clamd cannot
judge (it is down, slow, or the file is larger than it takes) is refused or let in, as configured.
"""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from typing import Final

from filehost_dav.errors import Refused, Unavailable
from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import ANYTHING, NO_METADATA, Body, Condition, Metadata, Tree, Written

_log = logging.getLogger(__name__)
_REPLY: Final = 4096  # bytes of a verdict at most


@dataclass(frozen=True, slots=True)
class Scanner:
    """Where clamd is: a Unix socket's path, or `host:port`. `timeout` in seconds, for each step.

    `strict`: what cannot be judged is refused.
    """

    address: str
    timeout: float = 60.0
    strict: bool = True

    def connect(self) -> socket.socket:
        """Raises OSError."""
        if self.address.startswith("/"):
            return self._connect_unix()
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=self.timeout)

    def _connect_unix(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(self.address)
        except OSError:
            sock.close()
            raise
        return sock


class ScannedTree:
    """A Tree whose writes are scanned. Raises what the tree raises, and Refused, Unavailable."""

    def __init__(self, tree: Tree, scanner: Scanner) -> None:
        self._tree = tree
        self._scanner = scanner
        # Only what brings new bytes is another than the tree's.
        self.stat = tree.stat
        self.list = tree.list
        self.scan = tree.scan
        self.generation = tree.generation
        self.open = tree.open
        self.make_folder = tree.make_folder
        self.copy = tree.copy
        self.move = tree.move
        self.delete = tree.delete
        self.set_modified = tree.set_modified
        self.checksums = tree.checksums
        self.usage = tree.usage
        self.trash = tree.trash
        self.restore = tree.restore
        self.open_trashed = tree.open_trashed
        self.list_trashed = tree.list_trashed
        self.purge = tree.purge
        self.versions = tree.versions
        self.open_version = tree.open_version
        self.restore_version = tree.restore_version
        self.purge_version = tree.purge_version
        self.twin = tree.twin
        self.close = tree.close

    def write(
        self, path: FilePath, body: Body, *, when: Condition = ANYTHING, metadata: Metadata = NO_METADATA
    ) -> Written:
        with _Scan(self._scanner) as scan:
            return self._tree.write(path, _ScannedBody(body, scan), when=when, metadata=metadata)


class _ScannedBody:
    """A body that is judged at its end. It has no `splice`: the bytes must be seen."""

    def __init__(self, body: Body, scan: _Scan) -> None:
        self._body = body
        self._scan = scan
        self.length = body.length
        self._seen = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._body.readinto(buffer)
        if count:
            self._scan.feed(buffer[:count])
            self._seen += count
        # Whoever knows the length need not read on to the end.
        if not count or self._seen == self.length:
            self._scan.judge()
        return count


class _Scan:
    """One conversation with clamd, begun with the first byte: an empty file needs none."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._sock: socket.socket | None = None
        self._fed = False
        self._judged = False
        self._failure = ""

    def __enter__(self) -> _Scan:
        return self

    def __exit__(self, *_: object) -> None:
        if self._sock is not None:
            self._sock.close()

    def feed(self, piece: memoryview) -> None:
        if self._failure:
            return
        try:
            if self._sock is None:
                self._sock = self._scanner.connect()
                self._sock.sendall(b"zINSTREAM\0")
            self._fed = True
            self._sock.sendall(len(piece).to_bytes(4, "big"))
            self._sock.sendall(piece)
        except OSError as error:
            # It may have said why: a file larger than it takes ends the conversation early.
            self._fail(self._parting_words() or str(error))

    def judge(self) -> None:
        """Once. Raises Refused for a virus; for what cannot be judged, Unavailable where that is not let in."""
        if self._judged:
            return
        self._judged = True
        verdict = "" if self._failure or not self._fed else self._ask()
        if verdict.endswith(" FOUND"):
            name = verdict.removeprefix("stream: ").removesuffix(" FOUND")
            _log.warning("A virus was refused: %s", name)
            raise Refused(f"This file holds a virus ({name})", rule="virus")
        if self._fed and not self._failure and verdict != "stream: OK":
            self._fail(verdict or "no verdict")
        if self._failure and self._scanner.strict:
            raise Unavailable("Files cannot be scanned for viruses now, try again later", retry_after=60)

    def _ask(self) -> str:
        assert self._sock is not None
        try:
            self._sock.sendall(bytes(4))
            return self._reply()
        except OSError as error:
            self._fail(self._parting_words() or str(error))
            return ""

    def _reply(self) -> str:
        assert self._sock is not None
        said = b""
        while not said.endswith(b"\0") and len(said) < _REPLY:
            piece = self._sock.recv(_REPLY)
            if not piece:
                break
            said += piece
        return said.rstrip(b"\0").decode("utf-8", "replace").strip()

    def _parting_words(self) -> str:
        try:
            return self._reply() if self._sock is not None else ""
        except OSError:
            return ""

    def _fail(self, reason: str) -> None:
        self._failure = reason
        _log.error("A file could not be scanned for viruses: %s", reason)
