"""ObjectStorage: all users' trees in one database, their contents in one bucket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from filehost_dav.paths import Area, FilePath
from filehost_dav.state.database import Database, Statement
from filehost_dav.storage.object.blobs import Blobs
from filehost_dav.storage.object.change import found_tree
from filehost_dav.storage.object.cleaner import Ages, Cleaner
from filehost_dav.storage.object.manifest import Manifests
from filehost_dav.storage.object.memory import Memory
from filehost_dav.storage.object.room import Room
from filehost_dav.storage.object.rows import asked_of_target, root_of, walking, walking_listing
from filehost_dav.storage.object.tree import ObjectTree
from filehost_dav.storage.object.uploads import Names, Uploads
from filehost_dav.storage.tree import Totals

_AGES = Ages()


def _no_quota(_user: str) -> int | None:
    return None


class ObjectStorage:
    """Storage by rows and blobs. Nothing of a tree is kept in the process: any number of nodes may serve it."""

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        *,
        quota: Callable[[str], int | None] = _no_quota,
        largest: int | None = None,
        ages: Ages = _AGES,
        memory: int = 0,
        room: int = 512 << 20,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`quota` gives a user's limit in bytes when a tree is made; `largest` limits one file; `memory` is
        for small contents used last, `room` for uploads on their way, in bytes; `clock` is in nanoseconds.
        """
        self._cleaner = Cleaner(database, blobs, ages, clock)
        self._manifests = Manifests(database, blobs, clock)
        self._database = database
        self._blobs = blobs
        self._quota = quota
        self._memory = Memory(memory)
        self._uploads = Uploads(
            database, blobs, Names(database, clock), self._memory, Room(room), clock=clock, largest=largest
        )
        self._clock = clock

    def tree(self, user: str) -> ObjectTree:
        if not self._database.query("SELECT 1 FROM space WHERE name = ?", (user,)):
            found_tree(self._database, user, self._clock())
        return ObjectTree(
            self._database,
            self._blobs,
            user,
            self._uploads,
            self._memory,
            quota=self._quota(user),
            clock=self._clock,
        )

    def looking(self, user: str, path: FilePath) -> Iterable[Statement]:
        yield walking(user, root_of(path.area), path.parts)

    def listing(self, user: str, folder: FilePath) -> Iterable[Statement]:
        yield from self.looking(user, folder)
        for area in (Area.STAGING, Area.SIDE):
            yield walking_listing(user, root_of(area), folder.parts)

    def writing(self, user: str, path: FilePath) -> Iterable[Statement]:
        return asked_of_target(user, path)

    def remove(self, user: str) -> None:
        with self._database.transaction(user) as rows:
            # No user's name has a slash: out of reach at once, and the cleaner's from here on.
            rows.execute("UPDATE space SET name = '/' || id WHERE name = ?", (user,))

    def totals(self) -> Totals:
        sql = """SELECT COALESCE(SUM(used - kept), 0), COALESCE(SUM(kept), 0), (SELECT count(*) FROM trash)
            FROM space"""
        ((used, kept, trashed),) = self._database.query(sql)
        return Totals(int(used), int(kept), int(trashed))

    def sweep(self) -> None:
        self._cleaner.sweep()
        self._manifests.write_due()

    def close(self) -> None:
        """The database and the bucket are the caller's."""
