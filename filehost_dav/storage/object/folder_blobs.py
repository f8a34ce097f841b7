"""FolderBlobs: blobs in a plain folder, for trying object storage without an object store, and for tests."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filehost_dav.errors import Full, Unavailable
from filehost_dav.storage.object.blobs import BLOCK, Lost, Stored

_NOTES = ".notes"
_PART = ".part"


class FolderBlobs:
    """Blobs in `folder`: one file for each, beside it one with its notes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, data: bytes | bytearray, notes: Mapping[str, str]) -> None:
        with self.writer(key, len(data), notes) as sink:
            sink.write(memoryview(data))

    @contextmanager
    def writer(self, key: str, part: int, notes: Mapping[str, str]) -> Iterator[_File]:
        path = self._folder / key
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_PART}")
        with _answering():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(path.name + _NOTES).write_text(json.dumps(dict(notes)))
        try:
            with _File(unfinished) as file:
                yield file
            with _answering():
                unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            path.with_name(path.name + _NOTES).unlink(missing_ok=True)
            raise

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        with _answering(), (self._folder / key).open("rb") as file:
            file.seek(start)
            while length and (block := file.read(min(BLOCK, length))):
                length -= len(block)
                yield block

    def delete(self, keys: Sequence[str]) -> None:
        with _answering():
            for key in keys:
                path = self._folder / key
                path.unlink(missing_ok=True)
                path.with_name(path.name + _NOTES).unlink(missing_ok=True)

    def list(self, prefix: str) -> Iterator[Stored]:
        for path in (self._folder / prefix).rglob("*"):
            if path.is_file() and path.suffix not in (_NOTES, _PART):
                status = path.stat()
                yield Stored(path.relative_to(self._folder).as_posix(), status.st_size, int(status.st_mtime))

    def notes(self, key: str) -> Mapping[str, str]:
        with _answering():
            path = self._folder / key
            found: Mapping[str, str] = json.loads(path.with_name(path.name + _NOTES).read_text())
            return found

    def abort(self, prefix: str) -> int:
        whole = self._folder / prefix
        unfinished = list(whole.parent.glob(f"{whole.name}*{_PART}")) if whole.name else []
        for path in unfinished:
            path.unlink(missing_ok=True)
        return len(unfinished)

    def sign(self, key: str, seconds: int) -> str | None:
        return None


class _File:
    """The file of an unfinished blob; it is on the disk when the block ends."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _File:
        with _answering():
            self._file = self._path.open("xb")
        return self

    def write(self, data: memoryview, /) -> object:
        with _answering():
            return self._file.write(data)

    def settle(self) -> None:
        """Nothing waits in memory."""

    def __exit__(self, failed: object, *_: object) -> None:
        with self._file, _answering():
            self._file.flush()
            if failed is None:
                os.fsync(self._file.fileno())


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Lost("The content of this file is missing on the server") from error
    except OSError as error:
        if error.errno == 28:
            raise Full("The server's disk is full") from error
        raise Unavailable("The server's store does not answer") from error
