"""The connections that wait for their client, and the listeners: none of them holds a thread.

It stands where cheroot has its ConnectionManager. Only the thread that has the turn asks for what
is `ready`; any thread may `put` a connection back or `remove` one.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from filehost_dav.http.door import Door
from filehost_dav.http.loads import Load
from filehost_dav.http.poller import make_poller

if TYPE_CHECKING:
    from filehost_dav.http.connection import Connection

_SWEEP = 1.0
"""Seconds between two looks for expired connections."""
_SWEEP_CLOSING = 0.05
_NEVER = 3600.0
_YIELD = 0.001
"""Seconds in which a worker at rest with fewer connections may take a new one."""
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Waiting:
    """Idle connections by descriptor, each with the deadline by which something must come."""

    def __init__(
        self,
        doors: Sequence[Door],
        meet: Callable[[socket.socket, object, Door], Connection],
        most: int,
        load: Load | None,
    ) -> None:
        """`meet` makes the connection of a newly accepted socket and its address; at `most` accepting pauses.

        `load`, where there are several workers, is this worker's share of the clients.
        """
        self._doors = {door.listener.fileno(): door for door in doors}
        self._meet = meet
        self._most = most
        self._load = load
        self._poller = make_poller()
        self._connections: dict[int, Connection] = {}
        self._open = 0
        self._counting = threading.Lock()
        self._listening = False
        self._closing = False
        self._sweep_at = 0.0
        self._listen_at: float | None = None
        self._listen()

    @property
    def is_empty(self) -> bool:
        """Whether no connection is open, neither waiting nor being served."""
        return self._open == 0

    def put(self, connection: Connection) -> None:
        """Wait for the client of this connection."""
        descriptor = connection.socket.fileno()
        self._connections[descriptor] = connection
        self._poller.add(descriptor)

    def remove(self, connection: Connection) -> None:
        """Wait for it no longer. Nothing happens when it does not wait."""
        descriptor = connection.socket.fileno()
        if self._connections.get(descriptor) is connection:
            del self._connections[descriptor]
            self._poller.remove(descriptor)

    def park(self, connection: Connection) -> None:
        """Wait for its deadline only, whatever its client sends."""
        self._poller.remove(connection.socket.fileno())

    def closed(self) -> None:
        """A connection that was met here is closed now."""
        self._count(-1)

    def ready(self) -> Iterator[Connection]:
        """Connections whose client has sent something, or gone, or just come (few come without a word: see
        Listener); waits for one at most until the next sweep.
        """
        knocked = False
        for descriptor in self._awaited():
            connection = self._connections.get(descriptor)
            if connection is not None:
                yield connection
            elif descriptor in self._doors:
                knocked = True
                yield from self._answer(self._doors[descriptor])
        if self._listening and not knocked:
            self._listen_at = None  # another worker took the client it was left to
        now = monotonic()
        if now >= self._sweep_at:
            self._sweep(now)

    def _awaited(self) -> Sequence[int]:
        """The descriptors that have something to say, when some have."""
        if self._load is None or self._closing:  # who has given up its share must not take it again
            return self._poller.poll(self._pause())
        self._load.rest()
        found = self._poller.poll(self._pause())
        self._load.work()
        return found

    def wake(self) -> None:
        """End the wait of `ready`."""
        self._poller.wake()

    def stop(self) -> None:
        """Accept no more, and let the connections go: the idle ones now, the others when they are served.

        From now on `is_empty` tells the truth: whoever was accepted has been counted.
        """
        with self._counting:
            self._closing = True
        self._stop_listening()
        self._sweep_at = 0.0
        if self._load is not None:
            self._load.give_up()
        self._poller.wake()

    def close(self) -> None:
        """Close everything that still waits."""
        for connection in list(self._connections.values()):
            self.remove(connection)
            connection.close()
        self._poller.close()

    def _pause(self) -> float:
        """How long to wait for somebody."""
        if self._closing:
            return _SWEEP_CLOSING if monotonic() < self._sweep_at else 0
        if self._listen_at is not None:
            left = self._listen_at - monotonic()
            if left > 0:
                return left
            self._listen()
        return _SWEEP if self._connections or not self._listening else _NEVER

    def _answer(self, door: Door) -> Iterator[Connection]:
        """Somebody knocks: a worker at rest with fewer connections goes first, for a moment."""
        if self._load is not None and self._listen_at is None and self._load.is_above_another():
            self._stop_listening()
            self._listen_at = monotonic() + _YIELD
            return
        self._listen_at = None
        connection = self._accept(door)
        if connection is not None:
            yield connection

    def _accept(self, door: Door) -> Connection | None:
        try:
            taken = self._take_one(door.listener)
        except OSError as error:
            # Another worker was faster, or the client is gone already; or descriptors ran out,
            # and then the next sweep tries again.
            if error.errno in _EXHAUSTED:
                self._stop_listening()
            return None
        if taken is None:
            self._stop_listening()
            return None
        connection = self._welcome(*taken, door)
        if self._open >= self._most:
            self._stop_listening()
        return connection

    def _welcome(self, sock: socket.socket, address: object, door: Door) -> Connection | None:
        sock.setblocking(False)
        try:
            connection = self._meet(sock, address, door)
            self.put(connection)
        except OSError:
            # Gone again before TLS could even be set up.
            sock.close()
            self._count(-1)
            return None
        return connection

    def _take_one(self, listener: socket.socket) -> tuple[socket.socket, object] | None:
        """Accept and count in one step: between the two, `stop` would see nobody and close. None: it has."""
        with self._counting:
            if self._closing:
                return None
            taken = listener.accept()
            self._add(1)
        return taken

    def _count(self, change: int) -> None:
        with self._counting:
            self._add(change)

    def _add(self, change: int) -> None:
        self._open += change
        if self._load is not None and not self._closing:
            self._load.set(self._open)

    def _listen(self) -> None:
        if not self._listening and not self._closing:
            self._listening = True
            for descriptor in self._doors:
                self._poller.add(descriptor)

    def _stop_listening(self) -> None:
        self._listening = False
        for descriptor in self._doors:
            self._poller.remove(descriptor)

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + (_SWEEP_CLOSING if self._closing else _SWEEP)
        # What has arrived since the last look is answered before its connection is let go.
        heard = set(self._poller.poll(0)) if self._closing else ()
        for descriptor, connection in list(self._connections.items()):
            let_go = connection.deadline <= now or (self._closing and connection.is_idle(now))
            if let_go and not connection.queued and descriptor not in heard:
                self.remove(connection)
                connection.expire()
        if self._open < self._most and self._listen_at is None:
            self._listen()
