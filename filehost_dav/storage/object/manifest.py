"""Manifests: each user's tree as a list in the bucket, so that the bucket alone is a backup.

A manifest is one compressed JSON line per file and folder, with the name of the blob that holds the
content and with the dead properties. From the newest one, and from the notes beside objects that are
newer still, `rebuild` makes the rows of a user whose database is lost.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from filehost_dav.errors import BadPath
from filehost_dav.paths import Area, FilePath
from filehost_dav.state.database import Database
from filehost_dav.state.properties import Properties, Values
from filehost_dav.storage.object.blobs import PARTS, ROOM, Blobs, Stored, key_of, names_in
from filehost_dav.storage.object.change import Change, changing, found_tree, sums_text
from filehost_dav.storage.object.rows import RANGE, Node, State, root_of

_FOLDER: Final = "manifest/"
_ENDING: Final = ".jsonl.gz"
_TURN: Final = "manifests"
_DAY: Final = 86_400 * 10**9
_PART: Final = 8 << 20
_KEPT: Final = 3  # of each user, the newest
_NONE: Final[Values] = {}


class Rebuilt(NamedTuple):
    """One file brought back: whose, where, its bytes."""

    user: str
    place: str
    size: int


class Line(NamedTuple):
    """A file or folder of a manifest. `blob` is None for folders."""

    area: str
    path: str
    blob: str | None
    size: int
    modified: int
    created: int
    sums: Mapping[str, str]
    properties: Values = _NONE

    @property
    def place(self) -> FilePath:
        return FilePath(tuple(self.path.split("/")) if self.path else (), Area(self.area))


class Manifests:
    """Writes and reads the lists. `clock` is in nanoseconds since the epoch."""

    def __init__(self, database: Database, blobs: Blobs, clock: Callable[[], int]) -> None:
        self._database = database.patient()
        self._properties = Properties(self._database)
        self._blobs = blobs
        self._clock = clock

    def write_due(self) -> None:
        """Once a day, by whoever comes first. Raises Unavailable."""
        now = self._clock()
        with self._database.transaction(_TURN) as rows:
            rows.execute(
                "INSERT INTO meta (name, value) VALUES (?, '0') ON CONFLICT (name) DO NOTHING", (_TURN,)
            )
            ((last,),) = rows.query("SELECT value FROM meta WHERE name = ?", (_TURN,))
            if now - int(last) < _DAY:
                return
            rows.execute("UPDATE meta SET value = ? WHERE name = ?", (str(now), _TURN))
        self.write_all()

    def write_all(self) -> None:
        """A new manifest for every user whose tree or properties have changed since. Raises Unavailable."""
        for user, number in self._database.query("SELECT name, change FROM space WHERE name NOT LIKE '/%'"):
            before, properties = self._of(user), self._properties.all_of(user)
            mark = _mark(number, properties)
            if not before or _mark_of(before[-1]) != mark:
                self._write(user, mark, properties)
                self._blobs.delete([stored.key for stored in before[: 1 - _KEPT]])

    def users(self) -> list[str]:
        """Those who have a manifest."""
        names = {stored.key.split("/")[1] for stored in self._blobs.list(_FOLDER)}
        return sorted(unquote(name) for name in names)

    def newest(self, user: str) -> tuple[int, list[Line]]:
        """When the newest manifest of a user was begun, in seconds since the epoch, and its lines."""
        stored = self._of(user)[-1]
        packed = b"".join(self._blobs.stream(stored.key, 0, stored.size))
        lines = gzip.decompress(packed).decode().splitlines()
        return int(stored.key.rpartition("/")[2].split("-")[0]), [Line(*json.loads(line)) for line in lines]

    def _write(self, user: str, mark: str, properties: Mapping[str, Values]) -> None:
        key = f"{_FOLDER}{quote(user, safe='')}/{self._clock() // 10**9:012d}-{mark}{_ENDING}"
        with self._blobs.writer(key, _PART, {}) as sink:
            packed = io.BytesIO()
            with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as pack:
                for line in self._lines(user, properties):
                    pack.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                    if packed.tell() > _PART:
                        sink.write(memoryview(packed.getvalue()))
                        packed.seek(0)
                        packed.truncate()
            sink.write(memoryview(packed.getvalue()))

    def _lines(self, user: str, properties: Mapping[str, Values]) -> Iterator[Line]:
        ((space,),) = self._database.query("SELECT id FROM space WHERE name = ?", (user,))
        for area in Area:
            places: dict[int, str] = {}
            for node, sums in _with_sums(self._database, space * RANGE + root_of(area)):
                above = places.get(node.parent or 0)
                places[node.id] = node.name if not above else f"{above}/{node.name}"
                own = properties.get(f"/{places[node.id]}", _NONE)
                if node.name or (own and area is Area.FILES):
                    known = json.loads(sums) if sums else {}
                    place, times = places[node.id], (node.modified, node.created)
                    yield Line(area.value, place, node.blob, node.size, *times, known, own)

    def _of(self, user: str) -> list[Stored]:
        return sorted(self._blobs.list(f"{_FOLDER}{quote(user, safe='')}/"))


def rebuild(database: Database, blobs: Blobs, clock: Callable[[], int]) -> Iterator[Rebuilt]:
    """Make the trees anew from the bucket alone, in a database that has none of them.

    What was stored after a user's last manifest is put where its note says, the newest last, so that
    each file has its newest content. Raises Unavailable.
    """
    manifests = Manifests(database, blobs, clock)
    since: dict[str, int] = {}
    for user in manifests.users():
        since[user], lines = manifests.newest(user)
        found_tree(database, user, clock())
        with changing(database, user, clock()) as change:
            if not change.is_empty(change.walk(FilePath.root())[0]):
                continue
            yield from _put_all(change, user, lines)
        _set_all(database, user, lines)
    for user, line in _newer(database, blobs, since):
        found_tree(database, user, clock())
        with changing(database, user, clock()) as change:
            yield from _put_all(change, user, [line])


def _put_all(change: Change, user: str, lines: Iterable[Line]) -> Iterator[Rebuilt]:
    for line in lines:
        path = line.place
        if path.is_root:
            continue
        chain, present = change.place(path, make=True)
        if line.blob is None:
            if present is None:
                node = change.add(chain[-1], path.name)
                change.set_modified(node, line.modified, [])
            continue
        change.rows.execute(
            "INSERT INTO blob (id, space, size, state, since, sums) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            (line.blob, change.space, line.size, State.LIVE, change.now, sums_text(line.sums)),
        )
        _put(change, chain[-1], present, path, line)
        yield Rebuilt(user, str(path), line.size)


def _set_all(database: Database, user: str, lines: Iterable[Line]) -> None:
    properties = Properties(database)
    for line in lines:
        if line.properties:
            properties.change(user, line.place, list(line.properties.items()))


def _put(change: Change, folder: Node, present: Node | None, path: FilePath, line: Line) -> None:
    assert line.blob is not None
    if present is None:
        change.add(folder, path.name, blob=line.blob, size=line.size, modified=line.modified)
    elif not present.folder:
        change.keep(present, present)
        change.refill(present, line.blob, line.size, line.modified)


def _newer(database: Database, blobs: Blobs, since: Mapping[str, int]) -> Iterator[tuple[str, Line]]:
    """The objects that no row tells of and that came after their user's manifest, the oldest first."""
    found: list[tuple[int, str, Line]] = []
    for part in range(PARTS):
        rows = database.query("SELECT id FROM blob WHERE id >= ? AND id < ?", names_in(part))
        known = {blob for (blob,) in rows}
        for stored in blobs.list(f"{ROOM}{part:02x}/"):
            blob = stored.key.rpartition("/")[2]
            if blob not in known and (noted := _noted(blobs.notes(key_of(blob)), blob, stored)):
                user, line = noted
                if stored.modified >= since.get(user, 0):
                    found.append((stored.modified, user, line))
    return ((user, line) for _, user, line in sorted(found, key=lambda item: item[0]))


def _noted(notes: Mapping[str, str], blob: str, stored: Stored) -> tuple[str, Line] | None:
    try:
        if "path64" in notes:
            place = base64.urlsafe_b64decode(notes["path64"]).decode()
        else:
            place = unquote(notes["path"])
        path = str(FilePath.parse(place))[1:]
        moment = stored.modified * 10**9
        return unquote(notes["user"]), Line(notes["area"], path, blob, stored.size, moment, moment, {})
    except (KeyError, ValueError, BadPath):
        return None  # not one of ours


def _with_sums(rows: Database, root: int) -> Iterator[tuple[Node, str | None]]:
    fields = ", ".join(f"node.{field}" for field in Node._fields)
    sql = f"""WITH RECURSIVE below(depth, id) AS (
            SELECT 0, CAST(? AS BIGINT)
            UNION ALL SELECT below.depth + 1, node.id FROM below JOIN node ON node.parent = below.id)
        SELECT {fields}, blob.sums FROM below JOIN node ON node.id = below.id
            LEFT JOIN blob ON blob.id = node.blob ORDER BY below.depth"""
    return ((Node(*row[:-1]), row[-1]) for row in rows.query(sql, (root,)))


def _mark(number: int, properties: Mapping[str, Values]) -> str:
    """What tells one state of a user's tree and properties from another."""
    if not properties:
        return str(number)
    text = json.dumps(properties, sort_keys=True)
    return f"{number}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def _mark_of(stored: Stored) -> str:
    return stored.key.rpartition("/")[2].removesuffix(_ENDING).partition("-")[2]
