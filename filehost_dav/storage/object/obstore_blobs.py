"""ObstoreBlobs: blobs in an S3 bucket by `obstore`, whose work is done in Rust, outside Python's lock.

An engine that refuses connections is reported within seconds, and so is one that is silent: after QUICK
seconds, but where bytes are sent to it, for whose way those seconds count too, after PATIENT. A download
may take a day, as long as bytes keep coming. Credentials come from the environment
(AWS_ACCESS_KEY_ID and so on, or the instance's role) and are never held here.
"""

from __future__ import annotations

import logging
import mmap
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from queue import SimpleQueue
from typing import Any, Final, Protocol

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from filehost_dav.errors import Unavailable
from filehost_dav.storage.object.blobs import AHEAD, BLOCK, Lost, Sink, Stored
from filehost_dav.storage.object.bucket import Bucket

_log = logging.getLogger(__name__)
QUICK: Final = 8  # seconds an engine may be silent
PATIENT: Final = 30  # and the way of a part to it may take
_SMALL: Final = 256 * 1024  # bytes: sent in less than QUICK over any line that is of use


class Control(Protocol):
    """What obstore has no call for."""

    def abort(self, prefix: str) -> int: ...


class ObstoreBlobs:
    """Blobs in an S3 bucket."""

    def __init__(self, bucket: Bucket, control: Control) -> None:
        self._store = _store(bucket, QUICK)
        self._patient = _store(bucket, PATIENT)
        self._control = control

    def put(self, key: str, data: bytes | bytearray, notes: Mapping[str, str]) -> None:
        store = self._store if len(data) <= _SMALL else self._patient
        with _answering():
            obstore.put(store, key, data, attributes=dict(notes), use_multipart=False)

    def writer(self, key: str, part: int, notes: Mapping[str, str]) -> AbstractContextManager[Sink]:
        return self._writer(key, part, notes)

    @contextmanager
    def _writer(self, key: str, part: int, notes: Mapping[str, str]) -> Iterator[Sink]:
        with (
            _answering(),
            obstore.open_writer(
                self._patient,
                key,
                attributes=dict(notes),
                buffer_size=part,
                max_concurrency=AHEAD,
            ) as writer,
        ):
            sink = _Sink(writer, part)
            yield sink
            sink.send()

    def stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        with _answering():
            options: Any = {"range": (start, start + length)}
            answer = obstore.get(self._store, key, options=options)
            yield from answer.stream(min_chunk_size=BLOCK)

    def delete(self, keys: Sequence[str]) -> None:
        # One by one: not every engine knows how to delete many, or takes obstore's checksum for it.
        for key in keys:
            with _answering():
                try:
                    obstore.delete(self._store, key)
                except FileNotFoundError:
                    continue

    def list(self, prefix: str) -> Iterator[Stored]:
        with _answering():
            for page in obstore.list(self._store, prefix, chunk_size=1000):
                for found in page:
                    yield Stored(found["path"], found["size"], int(found["last_modified"].timestamp()))

    def notes(self, key: str) -> Mapping[str, str]:
        with _answering():
            return {name: str(value) for name, value in obstore.get(self._store, key).attributes.items()}

    def abort(self, prefix: str) -> int:
        return self._control.abort(prefix)

    def sign(self, key: str, seconds: int) -> str | None:
        with _answering():
            address: str = obstore.sign(self._store, "GET", key, timedelta(seconds=seconds))
            return address


class _Sink:
    """Fills a part and gives it to obstore, which copies nothing and lets go of it when it is sent.

    Parts are filled again then: new memory takes more of the processor's time than a copy. What is let go
    of for good is the system's again at once, which not every allocator would see to.
    """

    def __init__(self, writer: Any, size: int) -> None:
        """Parts are of `size` bytes, but for the last."""
        self._writer = writer
        self._size = size
        self._part: mmap.mmap | None = None
        self._filled = 0
        self._away = 0
        self._back: SimpleQueue[mmap.mmap] = SimpleQueue()

    def write(self, data: memoryview, /) -> object:
        rest = data
        while rest:
            part = self._part = self._part or self._empty_part()
            piece, rest = rest[: self._size - self._filled], rest[self._size - self._filled :]
            part[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            if self._filled == self._size:
                self.send()
        return len(data)

    def send(self) -> None:
        """Give away what there is of a part."""
        part, self._part, filled, self._filled = self._part, None, self._filled, 0
        if part is not None and filled:
            given = memoryview(part)[:filled]
            weakref.finalize(given, self._back.put, part)
            self._away += 1
            self._writer.write(given)

    def settle(self) -> None:
        # The writer's own `flush` waits for nothing.
        while self._away:
            spare = self._back.get()
            self._part = self._part or spare
            self._away -= 1

    def _empty_part(self) -> mmap.mmap:
        if self._back.empty():
            return mmap.mmap(-1, self._size)
        self._away -= 1
        return self._back.get()


def _store(bucket: Bucket, silent: int) -> S3Store:
    config: dict[str, Any] = {
        "endpoint": bucket.endpoint,
        "region": bucket.region,
        "virtual_hosted_style_request": bucket.hosted,
        "server_side_encryption": bucket.encryption,
        "sse_kms_key_id": bucket.encryption_key,
    }
    client: Any = {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=3),
        "read_timeout": timedelta(seconds=silent),
        "timeout": timedelta(days=1),
        "user_agent": "filehost-dav",
    }
    retry: Any = {
        "max_retries": 4,
        "retry_timeout": timedelta(seconds=8),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=2),
            "base": 2,
        },
    }
    given: Any = {name: value for name, value in config.items() if value}
    return S3Store(bucket.name, config=given, client_options=client, retry_config=retry)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Lost("The content of this file is missing in the object store") from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        _log.error("The object store refuses the server's credentials: %s", _first_line(error))
        raise Unavailable("The object store refuses the server", retry_after=60) from error
    except BaseError as error:
        _log.warning("The object store does not answer as it should: %s", _first_line(error))
        raise Unavailable("The object store does not answer, try again in a moment") from error


def _first_line(error: Exception) -> str:
    # The following lines show the request in full.
    return str(error).partition("\n")[0]
