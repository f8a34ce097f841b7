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
        for top in chosen:
            above = len(top.parts) - 1 if not top.is_root else 0
            for path, folder in _walk(home, top):
                name = "/".join(path.parts[above:])
                if folder is None:
                    yield from _add(archive, outlet, home, path, name)
                elif name:
                    archive.writestr(_info(f"{name}/", folder), b"")
                    yield outlet.take()
    yield outlet.take()


def _walk(home: Tree, top: FilePath) -> Iterator[tuple[FilePath, Entry | None]]:
    """What is at `top` and all below it: files as None, folders with what they are, before their members.

    Of a folder's members only their places are held, which is a third of the memory.
    """
    waiting = [top]
    while waiting:
        try:
            entry = home.stat(waiting.pop())
            if not entry.is_folder:
                yield entry.path, None
                continue
            yield entry.path, entry
            members = sorted((member.path, member.is_folder) for member in home.list(entry.path))
        except (NotFound, NotAFolder):
            continue
        yield from ((path, None) for path, is_folder in members if not is_folder)
        waiting.extend(path for path, is_folder in reversed(members) if is_folder)


def _add(archive: ZipFile, outlet: _Outlet, home: Tree, path: FilePath, name: str) -> Iterator[bytes]:
    try:
        content = home.open(path)
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
