"""Checksums that are made after the answer: of uploads whose bytes went to the disk unseen.

One thread per process works them off. What it does not come to, because there is too much or the
process ends, the next scrub makes up for.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading

from filehost_dav.storage.local.disk import Disk, Spot
from filehost_dav.storage.local.scrubbing import record_checksum

_MOST = 64  # files waiting, each with a descriptor

Task = tuple[Disk, int]


class LateChecksums:
    """The files of one process that wait for their checksum."""

    def __init__(self) -> None:
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
                        target=_work, args=(self._tasks,), name="late checksums", daemon=True
                    ).start()
                    self._process = os.getpid()
        return self._tasks


def _work(tasks: queue.Queue[Task | None]) -> None:
    while (task := tasks.get()) is not None:
        disk, file = task
        try:
            with contextlib.suppress(OSError):  # a disk in trouble is for requests and scrubs to report
                record_checksum(disk, file)
        finally:
            os.close(file)
            tasks.task_done()
    tasks.task_done()
