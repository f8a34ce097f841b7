"""Which of many sockets have something to say.

Level-triggered epoll where there is one (it costs least), else the platform's best selector. Any
thread may add and remove while another polls; `wake` makes a poll return at once.
"""

from __future__ import annotations

import select
import selectors
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Protocol


class Poller(Protocol):
    """Sockets are named by their file descriptors."""

    def add(self, descriptor: int) -> None: ...

    def remove(self, descriptor: int) -> None:
        """Quietly does nothing when it is not there."""

    def poll(self, seconds: float) -> Sequence[int]:
        """The readable (or broken) ones. Waits so long at most; 0 does not wait."""

    def wake(self) -> None: ...

    def close(self) -> None: ...


def make_poller() -> Poller:
    return Epoll() if hasattr(select, "epoll") else Selector()


class Epoll:
    """Linux."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._waker = _Waker()
        self._epoll.register(self._waker.reads, select.EPOLLIN)

    def add(self, descriptor: int) -> None:
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        try:
            self._epoll.unregister(descriptor)
        except (OSError, ValueError):
            return

    def poll(self, seconds: float) -> Sequence[int]:
        return self._waker.heed([descriptor for descriptor, _ in self._epoll.poll(seconds, 64)])

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        self._epoll.close()
        self._waker.close()


class Selector:
    """macOS and Windows."""

    _MOST = 0.05 if sys.platform == "win32" else 1.0
    """Windows' select does not see what is added while it waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._waker = _Waker()
        self.add(self._waker.reads)

    def add(self, descriptor: int) -> None:
        with self._lock:
            self._selector.register(descriptor, selectors.EVENT_READ)

    def remove(self, descriptor: int) -> None:
        with self._lock:
            try:
                self._selector.unregister(descriptor)
            except (KeyError, ValueError):
                return

    def poll(self, seconds: float) -> Sequence[int]:
        return self._waker.heed([key.fd for key, _ in self._selector.select(min(seconds, self._MOST))])

    def wake(self) -> None:
        self._waker.wake()

    def close(self) -> None:
        self._selector.close()
        self._waker.close()


class _Waker:
    """A pair of sockets: works with every selector."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self.reads = self._near.fileno()

    def wake(self) -> None:
        try:
            self._far.send(b"\0")
        except BlockingIOError:
            return  # full: it will wake without this one

    def heed(self, ready: list[int]) -> list[int]:
        """What is ready besides the waker, which has done its work."""
        if self.reads in ready:
            self.clear()
            ready.remove(self.reads)
        return ready

    def clear(self) -> None:
        try:
            while len(self._near.recv(4096)) == 4096:
                continue
        except BlockingIOError:
            return

    def close(self) -> None:
        self._near.close()
        self._far.close()
