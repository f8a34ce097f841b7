"""Checksums that are made after the answer: of uploads whose bytes went to the disk unseen.

One thread per process works them off. Clients come first: when others want its processor it stays away
for a moment, as long as not too much waits. What it does not come to, because there is too much or the
process ends, the next scrub makes up for.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable
from time import sleep

from filehost_dav.storage.local.disk import Disk, Spot
from filehost_dav.storage.local.scrubbing import digest_of, record_checksum

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_MOST = 64  # files waiting, each with a descriptor
_HASTE = 32  # files waiting from which on there is no more giving way
_AWAY = 0.05  # seconds

Task = tuple[Disk, int]


class LateChecksums:
    """The files of one process that wait for their checksum."""

    def __init__(self, digest: Callable[[int, str], str] | None = None) -> None:
        """`digest` makes a checksum of an open file."""
        self._digest = digest or self._courteous_digest
        self._courtesy = Courtesy()
        self._lock = threading.Lock()
        self._tasks: queue.Queue[Task | None] = queue.Queue(_MOST)
        self._process = 0

    def add(self, disk: Disk, spot: Spot) -> None:
        """Make the checksum of the file at `spot` soon, where files can have records."""
        if not hasattr(os, "setxattr"):
            return
        try:
            own = spot.folder.open_file(spot.name)
        except OSError:
            return  # gone already, or no descriptor to spare: the upload is whole all the same
        try:
            self._waiting().put_nowait((disk, own))
        except queue.Full:
            os.close(own)

    def finish(self) -> None:
        """Wait until all that waits is done."""
        if self._process == os.getpid():
            self._tasks.join()

    def stop(self) -> None:
        """End the thread, after the file it is at; the others keep waiting for a scrub."""
        if self._process == os.getpid():
            with contextlib.suppress(queue.Full):
                self._tasks.put_nowait(None)

    def _waiting(self) -> queue.Queue[Task | None]:
        # Begun at the first file, so that it belongs to a worker and not to the parent that forked it.
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._tasks = queue.Queue(_MOST)
                    threading.Thread(
                        target=self._work, args=(self._tasks,), name="late checksums", daemon=True
                    ).start()
                    self._process = os.getpid()
        return self._tasks

    def _work(self, tasks: queue.Queue[Task | None]) -> None:
        while (task := tasks.get()) is not None:
            disk, file = task
            try:
                with contextlib.suppress(OSError):  # a disk in trouble is for requests and scrubs to report
                    if os.fstat(file).st_nlink:  # else it was overwritten or deleted, and nothing keeps it
                        record_checksum(disk, file, self._digest)
            finally:
                os.close(file)
                tasks.task_done()
        tasks.task_done()

    def _courteous_digest(self, file: int, algorithm: str) -> str:
        def after_block() -> None:
            if self._tasks.qsize() < _HASTE:
                self._courtesy.give_way()

        return digest_of(file, algorithm, after_block=after_block)


class Courtesy:
    """Stays away for a moment when the kernel took the processor from this thread to give it to another.

    A lower priority would not do: the thread would keep the interpreter's lock while it waits for a processor.
    """

    def __init__(
        self, interruptions: Callable[[], int] | None = None, stay_away: Callable[[float], None] = sleep
    ) -> None:
        self._interruptions = interruptions or _interruptions
        self._stay_away = stay_away
        self._seen = 0

    def give_way(self) -> None:
        now = self._interruptions()
        if now != self._seen:
            self._stay_away(_AWAY)
        self._seen = now


def _interruptions() -> int:
    """How often this thread has lost its processor to another."""
    if not hasattr(resource, "RUSAGE_THREAD"):
        return 0
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
