"""A folder or a selection as one zip file, made while it is sent: no temporary file, bounded memory.

Entries are stored, not compressed: what people keep here (pictures, PDF, office files) already is.
Names are UTF-8; times are given in local form and, beside it, exactly (extended timestamp).
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Sequence
from typing import Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from filehost_dav.errors import NotAFolder, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import Content, Entry, Tree

_NANO: Final = 1_000_000_000
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
_FILE: Final = 0o100644 << 16
_FOLDER: Final = (0o40755 << 16) | 0x10


def zip_stream(home: Tree, chosen: Sequence[FilePath]) -> Iterator[bytes]:
    """The bytes of a zip of these files and folders, each under its own name.

    What vanishes meanwhile is left out. When reading fails otherwise, the error ends the stream
    before the zip's end, so that no half archive passes for a whole one.
    """
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_STORED) as archive:
        for path in chosen:
            for entry, name in _walk(home, path):
                yield from _add(archive, outlet, home, entry, name)
    yield outlet.take()


def _walk(home: Tree, path: FilePath) -> Iterator[tuple[Entry, str]]:
    """The entry at `path` and all below it, with their names in the zip, folders before their members."""
    base = len(path.parts) - 1 if not path.is_root else 0
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            entry = home.stat(folder)
            if not folder.is_root:
                yield entry, "/".join(folder.parts[base:])
            members = sorted(home.list(folder), key=_place) if entry.is_folder else ()
        except (NotFound, NotAFolder):
            continue
        for member in members:
            if not member.is_folder:
                yield member, "/".join(member.path.parts[base:])
        waiting.extend(member.path for member in reversed(members) if member.is_folder)


def _add(archive: ZipFile, outlet: _Outlet, home: Tree, entry: Entry, name: str) -> Iterator[bytes]:
    if entry.is_folder:
        archive.writestr(_info(f"{name}/", entry), b"")
        yield outlet.take()
        return
    try:
        content = home.open(entry.path)
    except NotFound:
        return
    with content:
        yield from _add_file(archive, outlet, content, name)


def _add_file(archive: ZipFile, outlet: _Outlet, content: Content, name: str) -> Iterator[bytes]:
    info = _info(name, content.entry)
    info.file_size = content.entry.size
    with archive.open(info, "w", force_zip64=content.entry.size >= 1 << 31) as member:
        for block in content.blocks(0, content.entry.size):
            member.write(block)
            yield outlet.take()
    yield outlet.take()


def _info(name: str, entry: Entry) -> ZipInfo:
    seconds = entry.modified // _NANO
    info = ZipInfo(name, max(time.localtime(seconds)[:6], _EARLIEST))
    info.external_attr = _FOLDER if entry.is_folder else _FILE
    info.create_system = 3  # Unix: readers then take the permissions from external_attr
    if 0 <= seconds < 1 << 31:
        info.extra = struct.pack("<HHBl", 0x5455, 5, 1, seconds)
    return info


def _place(entry: Entry) -> str:
    return entry.path.name


class _Outlet:
    """A file that can only be written to; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is held here."""

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
