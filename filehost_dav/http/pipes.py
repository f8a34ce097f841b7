"""Kernel pipes, through which splice moves an upload to its file without a copy in this process.

A pipe is borrowed only for the moment in which bytes go through it and is empty otherwise, so a
thousand slow uploads need no more pipes than run at one instant. One that an error left unfinished
is not given back; it closes itself.
"""

from __future__ import annotations

import errno
import os
import sys

SIZE = 1_048_576
_NONBLOCK = 2
_SET_SIZE = 1031


class Pipe:
    """One pipe. Empty between uses."""

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


class Pipes:
    """The idle pipes of one process."""

    works = hasattr(os, "splice") and sys.platform == "linux"

    def __init__(self) -> None:
        self._idle: list[Pipe] = []

    def take(self) -> Pipe:
        """An empty pipe. Whoever took it gives it back, unless an error left it half full."""
        try:
            return self._idle.pop()
        except IndexError:
            return Pipe()

    def give(self, pipe: Pipe) -> None:
        self._idle.append(pipe)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
