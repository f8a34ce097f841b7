"""The kernel pipe of a process, through which splice moves uploads to their files without a copy here.

Uploads take turns at it, a piece each, in the order in which they ask. All of them moving bytes at once
would be no faster, and would queue up for the processors, where every short request waits behind them.
Those whose turn it is not leave their bytes in the socket, which holds up their clients. No turn lasts
longer than bytes are there, so a slow upload takes none.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIZE = 1_048_576
_SHARE = 524_288
"""Bytes of a turn while others wait for theirs: tenths of a millisecond. Less wakes too many threads."""
_NONBLOCK = 2
_SET_SIZE = 1031


class Pipe:
    """One pipe. Empty between uses; closes itself."""

    __slots__ = ("_reads", "_writes")

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        self._enlarge()

    def fill(self, source: int, most: int) -> int:
        """Take bytes from a socket: how many, 0 at its end. Raises BlockingIOError when none are there."""
        return os.splice(source, self._writes, min(most, SIZE), flags=_NONBLOCK)

    def pour(self, target: int, count: int) -> None:
        """Give the `count` bytes it holds to a file. Raises OSError when the file takes no more."""
        while count:
            try:
                count -= os.splice(self._reads, target, count)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                count -= self._copy(target, count)  # a file system that cannot splice

    def _copy(self, target: int, count: int) -> int:
        data = memoryview(os.read(self._reads, count))
        at = 0
        while at < len(data):
            at += os.write(target, data[at:])
        return at

    def close(self) -> None:
        if self._reads >= 0:
            os.close(self._reads)
            os.close(self._writes)
        self._reads = -1

    __del__ = close

    def _enlarge(self) -> None:
        import fcntl  # noqa: PLC0415 - Linux only, as splice is

        try:
            fcntl.fcntl(self._writes, _SET_SIZE, SIZE)
        except OSError:
            return  # the user's share of pipe memory is used up; a small pipe works too


class SharedPipe:
    """The pipe of one process, made when the first upload asks for it."""

    works = hasattr(os, "splice") and sys.platform == "linux"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False
        self._pipe: Pipe | None = None

    @property
    def share(self) -> int:
        """Bytes to move in one turn."""
        return _SHARE if self._waiting else SIZE

    @contextmanager
    def turn(self, before_waiting: Callable[[], None]) -> Iterator[Pipe]:
        """The empty pipe, when those who asked before have had their turn; after an error it is replaced."""
        self._ask(before_waiting)
        try:
            if self._pipe is None:
                self._pipe = Pipe()
            yield self._pipe
        except BaseException:
            self._drop()
            raise
        finally:
            self._pass_on()

    def close(self) -> None:
        """Close it, unless bytes are on their way: their turn ends with the process."""
        with self._lock:
            if not self._taken:
                self._drop()

    def _drop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = None

    def _ask(self, before_waiting: Callable[[], None]) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            bell = threading.Lock()
            bell.acquire()
            self._waiting.append(bell)
        before_waiting()
        bell.acquire()

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
