"""Uploads: bodies on their way into the bucket, in bounded memory and with a journal.

The journal is the blob's own row: it is written before the first byte leaves, holds the room that
the upload may take, and is renewed while bytes come. Whatever a crash leaves in the bucket has such
a row, and the cleaner removes both. Nothing is visible before the tree takes the blob in. Where no
room has to be kept, as for what is small, such rows are written for many uploads at once.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from filehost_dav.errors import (
    ChecksumMismatch,
    FilehostError,
    QuotaExceeded,
    TooLarge,
    Truncated,
    Unavailable,
)
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database
from filehost_dav.storage.object.blobs import Blobs, key_of, new_id
from filehost_dav.storage.object.change import NO_ROOM, Blob, changing, taken
from filehost_dav.storage.object.memory import LARGEST, Memory
from filehost_dav.storage.object.room import Pace, Room
from filehost_dav.storage.object.rows import State
from filehost_dav.storage.tree import Body, Metadata

MIB: Final = 1 << 20
_FREE: Final = MIB // 4  # what an upload may hold without asking
SMALL: Final = 8 * MIB  # what is sent in one request, and the least part of a larger content
_PARTS: Final = 9_000  # S3 takes 10,000 in one object
_UNKNOWN: Final = 16 * MIB  # the parts of a body of unknown length: up to 140 GiB
_RENEW: Final = 300.0  # seconds between renewals of the journal while bytes come
_DRAWN: Final = 32  # names at a time, at most
_FRESH: Final = 1200 * 10**9  # nanoseconds in which a drawn name is used: less than an upload may stall
_BUFFER: Final = 128 * 1024
_LONGEST_NOTE: Final = 1400  # S3 keeps 2 KB beside an object
_ALGORITHMS: Final = ("md5", "sha1", "sha256", "sha512")
_USUAL: Final = ("md5", "sha1")


@dataclass(frozen=True, slots=True)
class Owned:
    """Where a body shall be: whose file, its path, the bytes of the file it will replace, the user's limit."""

    user: str
    path: FilePath
    replaces: int
    quota: int | None


class Uploads:
    """The way of bodies into the bucket. `clock` is in nanoseconds since the epoch."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        names: Names,
        memory: Memory,
        room: Room,
        *,
        clock: Callable[[], int],
        largest: int | None,
    ) -> None:
        """`largest` limits one file, in bytes."""
        self._database = database
        self._blobs = blobs
        self._largest = largest
        self._names = names
        self._memory = memory
        self._room = room
        self._clock = clock

    @contextlib.contextmanager
    def received(self, owned: Owned, body: Body, metadata: Metadata) -> Iterator[Blob]:
        """The whole body as a blob, for the block to take in; removed again when the block fails.

        Raises Truncated, ChecksumMismatch, TooLarge, QuotaExceeded, Unavailable, NotFound (no such user).
        """
        intake = _Intake(body, metadata.checksums, self._largest)
        if body.length is not None and body.length <= _FREE:
            owned = self._without_room(owned, body.length)
        journal = _Journal(self._database, owned, self._names, self._clock)
        journal.begin(body.length if body.length is not None else metadata.expected or 0)
        try:
            self._send(journal, intake, body.length, _notes(owned))
            yield Blob(journal.blob, intake.received, intake.digests)
        except BaseException as error:
            with contextlib.suppress(FilehostError):
                self._abandon(journal, silent=isinstance(error, Unavailable))
            raise

    def _without_room(self, owned: Owned, size: int) -> Owned:
        """A small body keeps no room: it is looked whether there is some, and the commit counts exactly."""
        if owned.quota is not None:
            used, reserved = taken(self._database, owned.user)
            if used + reserved - owned.replaces + size > owned.quota:
                raise QuotaExceeded(NO_ROOM)
        return replace(owned, quota=None)

    def _send(self, journal: _Journal, intake: _Intake, length: int | None, notes: Mapping[str, str]) -> None:
        start = intake.take(_FREE if length is None else min(_FREE, length))
        if intake.is_at_end():
            self._send_whole(journal, intake, start, notes)
            return
        part = part_size(length)
        with self._room.share(part if length is None else min(length, part)) as share:
            if length is None or length <= SMALL:
                start = intake.take(length or SMALL, start)
                if intake.is_at_end():
                    self._send_whole(journal, intake, start, notes)
                    return
            with self._blobs.writer(key_of(journal.blob), part, notes) as sink:
                pace = Pace(share, sink, part)
                sink.write(memoryview(start))
                pace.wrote(len(start))
                del start
                for piece in intake:
                    journal.cover(intake.received)
                    sink.write(piece)
                    pace.wrote(len(piece))
                intake.verify()

    def _send_whole(
        self, journal: _Journal, intake: _Intake, content: bytearray, notes: Mapping[str, str]
    ) -> None:
        intake.verify()
        journal.cover(intake.received)
        if content:
            self._blobs.put(key_of(journal.blob), content, notes)
        if len(content) <= LARGEST:
            self._memory.keep(journal.blob, bytes(content))

    def _abandon(self, journal: _Journal, *, silent: bool) -> None:
        # What cannot be removed now, since the engine is silent, is left to the cleaner: it has the row.
        if journal.give_up() and not silent:
            self._blobs.delete([key_of(journal.blob)])
            journal.end()


def part_size(length: int | None) -> int:
    """Bytes of each part of a content of that length: whole MiB, few enough parts, at least SMALL."""
    if length is None:
        return _UNKNOWN
    return max(SMALL, -(-length // _PARTS // MIB) * MIB)


class Names:
    """Rows of blobs that will be on their way: one statement makes them for many. For one process.

    Twice as many as were used up before; a server with little to do leaves few unused.
    """

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._free: list[str] = []
        self._since = 0
        self._drawn = 0

    def take(self) -> str:
        """The name of a blob whose row is there."""
        with self._lock:
            if not self._free or not 0 <= self._clock() - self._since < _FRESH:
                self._draw()
            return self._free.pop()

    def _draw(self) -> None:
        # Those of before are left to the cleaner: it might have begun to take them for stalled uploads.
        self._drawn = 1 if self._free or not self._drawn else min(2 * self._drawn, _DRAWN)
        free, since = [new_id() for _ in range(self._drawn)], self._clock()
        rows = ", ".join(["(?, 0, 0, 0, ?, '')"] * self._drawn)
        self._database.note(
            f"INSERT INTO blob (id, space, size, state, since, sums) VALUES {rows}",
            [value for name in free for value in (name, since)],
        )
        self._free, self._since = free, since


class _Journal:
    """The row of one blob on its way."""

    def __init__(self, database: Database, owned: Owned, names: Names, clock: Callable[[], int]) -> None:
        self.blob = names.take() if owned.quota is None else new_id()
        self._database = database
        self._user = owned.user
        self._replaces = owned.replaces
        self._quota = owned.quota
        self._clock = clock
        self._reserved = 0
        self._renewed = time.monotonic()

    def begin(self, size: int) -> None:
        """See that the row is there, and the room for `size` bytes. Raises QuotaExceeded, NotFound."""
        if self._quota is None:
            return
        size = max(0, size - self._replaces)
        with changing(self._database, self._user, self._clock()) as change:
            change.fit(self._quota, size)
            change.rows.later(
                "INSERT INTO blob (id, space, size, state, since, sums) VALUES (?, ?, ?, 0, ?, '')",
                (self.blob, change.space, size, change.now),
            )
        self._reserved = size

    def cover(self, received: int) -> None:
        """See that what has come has its room, and that the row is not taken for a dead upload's."""
        if self._quota is not None and received - self._replaces > self._reserved:
            self._reserve(received - self._replaces - self._reserved)
        if time.monotonic() - self._renewed > _RENEW:
            self._database.note(
                "UPDATE blob SET since = ? WHERE id = ? AND state = 0", (self._clock(), self.blob)
            )
            self._renewed = time.monotonic()

    def _reserve(self, needed: int) -> None:
        try:
            self._grow(max(needed, SMALL))  # a large step, so that there are few of them
        except QuotaExceeded:
            self._grow(needed)

    def _grow(self, more: int) -> None:
        with changing(self._database, self._user, self._clock()) as change:
            change.fit(self._quota, more)
            change.rows.execute("UPDATE blob SET size = size + ? WHERE id = ?", (more, self.blob))
        self._reserved += more

    def give_up(self) -> bool:
        """Leave the blob to the cleaner; False when it is not on its way any more."""
        sql = "UPDATE blob SET state = ?, since = 0 WHERE id = ? AND state = ?"
        return bool(self._database.note(sql, (State.DEAD, self.blob, State.ARRIVING)))

    def end(self) -> None:
        """Remove the row: nothing of the blob is left."""
        self._database.note("DELETE FROM blob WHERE id = ? AND state = ?", (self.blob, State.DEAD))


class _Intake:
    """Reads a body to its end, counting and hashing."""

    def __init__(self, body: Body, announced: Mapping[str, str], largest: int | None) -> None:
        self._body = body
        self._announced = announced
        self._largest = largest
        # Whoever announces one checksum will want to see the usual ones.
        names = {"sha256", *(_USUAL if announced else ()), *(name for name in announced if name in _ALGORITHMS)}
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in sorted(names)}
        self._ended = False
        self.received = 0
        self._check_size(body.length or 0)

    def take(self, most: int, start: bytes | bytearray = b"") -> bytearray:
        """`start` and what follows it, `most` bytes in all, fewer only at the end."""
        taken = bytearray(most)
        with memoryview(taken) as room:
            filled = len(start)
            room[:filled] = start
            while filled < most and (count := self._read(room[filled:])):
                filled += count
        del taken[filled:]
        return taken

    def __iter__(self) -> Iterator[memoryview]:
        """The rest, in pieces that are valid until the next is taken."""
        buffer = memoryview(bytearray(_BUFFER))
        while count := self._read(buffer):
            yield buffer[:count]

    def is_at_end(self) -> bool:
        """Whether all has been read. A body of unknown length tells only when asked for more."""
        return self._ended or self.received == self._body.length

    def verify(self) -> None:
        """Raises Truncated, ChecksumMismatch."""
        if self._body.length is not None and self.received != self._body.length:
            raise Truncated("The upload ended before its announced end")
        for name, digest in self.digests.items():
            if self._announced.get(name, digest) != digest:
                raise ChecksumMismatch("The bytes that arrived do not have the announced checksum")

    @property
    def digests(self) -> dict[str, str]:
        return {name: made.hexdigest() for name, made in self._hashes.items()}

    def _read(self, room: memoryview) -> int:
        count = self._body.readinto(room)
        if not count:
            self._ended = True
            return 0
        for made in self._hashes.values():
            made.update(room[:count])
        self.received += count
        self._check_size(self.received)
        return count

    def _check_size(self, size: int) -> None:
        if self._largest is not None and size > self._largest:
            raise TooLarge("The file is larger than the largest allowed", limit=self._largest)


def _notes(owned: Owned) -> dict[str, str]:
    """What the bucket alone tells of a content, should the database be lost: whose it is, and where it was."""
    where = "/".join(owned.path.parts)
    notes = {"user": quote(owned.user), "area": owned.path.area.value}
    if len(quote(where)) <= _LONGEST_NOTE:
        return {**notes, "path": quote(where)}
    return {**notes, "path64": base64.urlsafe_b64encode(where.encode()).decode()}
