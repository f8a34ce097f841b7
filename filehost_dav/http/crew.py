"""The threads of a worker, of which one at a time has the turn.

Whoever has the turn waits for all idle sockets at once and serves one ready request after the
other, itself: no queue, no hop between threads, no fight over the interpreter's lock. Before it
waits for a single client (a slow upload, a full send buffer) it leaves the turn to another thread
and finishes its request on its own time. A request that is known to wait for a disk leaves it at
the start; one that blocks unexpectedly (a password hash, a cold disk) or computes for long loses it
after `PATIENCE` to the watch, which runs in the main thread.

So a thread is held only by a request that is waiting for its client; threads are made when there
is none to spare, and those left over end after a while.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING

from filehost_dav.http.memory import give_back

if TYPE_CHECKING:
    from filehost_dav.http.connection import Connection
    from filehost_dav.http.waiting import Waiting

_log = logging.getLogger(__name__)
PATIENCE = 0.003
"""Seconds a request may keep the turn."""
SPARE = 4
"""Idle threads that are kept for good."""
IDLE = 10.0
"""Seconds after which the others end."""
_NAP = 1.0 if sys.platform == "win32" else -1
"""How long the sleep of the watch may last. Windows lets no signal through meanwhile."""
_REST = 1.0 if sys.platform == "win32" else 10.0
"""Seconds without a request after which memory is given back."""
_QUIET = 20
"""Rounds without a request after which the watch goes to sleep."""


class Crew:
    """The threads. It stands where cheroot has its thread pool."""

    def __init__(self, most: int) -> None:
        self.min = 1
        self.most = most
        self.count = 0
        self._waiting: Waiting
        self._ready: deque[Connection] = deque()
        self._lock = threading.Lock()
        self._holder: _Member | None = None
        self._task: tuple[Connection, float] | None = None
        self._turns = 0
        self._spares: list[_Member] = []
        self._asleep = False
        self._bell = _Bell()
        self._watching = True
        self._stopping = False
        self._ended = threading.Condition(self._lock)

    def start(self, waiting: Waiting) -> None:
        """Begin to serve what `waiting` finds ready."""
        self._waiting = waiting
        with self._lock:
            self._appoint()

    def put(self, connection: Connection) -> None:
        """Take back a connection that a thread without the turn has finished with."""
        again = connection.queued = connection.has_request()
        self._waiting.put(connection)
        if again:
            self._ready.append(connection)
            self._waiting.wake()

    def leave(self) -> None:
        """Called by a thread that is going to wait: gives the turn away if it has it."""
        holder = self._holder
        if holder is not None and holder.thread is threading.current_thread():
            with self._lock:
                self._release(holder)

    def has_room(self) -> bool:
        """Whether one more request may wait for its client. An eighth is kept for short requests."""
        return self.count - len(self._spares) < self.most - max(self.most // 8, 1)

    def watch(self) -> None:
        """Take the turn from a thread that keeps it too long, until `end_watch`; for the main thread."""
        quiet, seen = 0, -1
        while self._watching:
            sleep(PATIENCE)
            if self._task is None and self._turns == seen:
                quiet += 1
            else:
                quiet, seen = 0, self._turns
            self._relieve()
            if quiet > _QUIET:
                self._sleep()
                quiet = 0

    def end_watch(self) -> None:
        """Let `watch` return. Safe in a signal handler."""
        self._watching = False
        self._bell.ring()

    def stop(self, seconds: float) -> bool:
        """Let the threads finish their requests; whether all did within `seconds`."""
        deadline = monotonic() + seconds
        with self._lock:
            self._stopping = True
            for spare in self._spares:
                spare.bell.ring()
        self._waiting.wake()
        with self._ended:
            return self._ended.wait_for(lambda: not self.count, max(deadline - monotonic(), 0))

    def _relieve(self) -> None:
        task = self._task
        if task is None or monotonic() - task[1] < PATIENCE:
            return
        with self._lock:
            if self._task is task and self._holder is not None:
                self._release(self._holder)

    def _sleep(self) -> None:
        """Until a thread takes up a request. (It says so after `_task` is set, so none is missed.)"""
        self._asleep = True
        if self._task is None and self._watching and not self._bell.wait(_REST):
            give_back()
            self._bell.wait(_NAP)
        self._asleep = False

    def _release(self, holder: _Member) -> None:
        """Under the lock: the turn goes to another thread."""
        if self._holder is not holder:
            return
        if self._task is not None:
            self._waiting.remove(self._task[0])
        self._task = None
        self._appoint()

    def _appoint(self) -> None:
        """Under the lock: give the turn to a spare or new thread; at the limit to the first that is done."""
        if self._spares:
            self._holder = self._spares.pop()
        elif self.count < self.most:
            self._holder = _Member(self._work)
            self.count += 1
            self._holder.thread.start()
        else:
            self._holder = None
            return
        self._holder.bell.ring()

    def _work(self, me: _Member) -> None:
        while self._await_turn(me):
            while self._holder is me and not self._stopping:
                self._take_turn(me)
            if self._stopping:
                break
        with self._ended:
            self.count -= 1
            if self._holder is me:
                self._holder = None
            self._ended.notify_all()

    def _await_turn(self, me: _Member) -> bool:
        while not me.bell.wait(IDLE):
            with self._lock:
                if me in self._spares and len(self._spares) > SPARE:
                    self._spares.remove(me)
                    return False
        return not self._stopping

    def _take_turn(self, me: _Member) -> None:
        """Serve one connection."""
        try:
            connection = self._next()
            if connection is not None:
                self._serve(me, connection)
        except BaseException:  # noqa: BLE001 - a thread that ended with the turn would stop the server
            _log.exception("A turn failed.")

    def _next(self) -> Connection | None:
        if not self._ready:
            for connection in self._waiting.ready():
                if not connection.queued:
                    connection.queued = True
                    self._ready.append(connection)
            if not self._ready:
                return None
        connection = self._ready.popleft()
        connection.queued = False
        return connection

    def _serve(self, me: _Member, connection: Connection) -> None:
        self._task = (connection, monotonic())
        self._turns += 1
        if self._asleep:
            self._bell.ring()
        keep, mine = False, True
        try:
            keep = connection.communicate()
        finally:
            with self._lock:
                mine = self._holder is me
                if mine:
                    self._task = None
            self._let_go(connection, keep, mine)
            if not mine:
                self._step_back(me)

    def _let_go(self, connection: Connection, keep: bool, registered: bool) -> None:
        """After its step a connection is closed, or waits again (perhaps it does still)."""
        if not keep:
            self._waiting.remove(connection)
            connection.close()
        elif not registered:
            self.put(connection)
        elif connection.has_request():
            connection.queued = True
            self._ready.append(connection)

    def _step_back(self, me: _Member) -> None:
        """After a request finished without the turn: take it if it is free, else be a spare."""
        with self._lock:
            if self._holder is None:
                self._holder = me
            else:
                self._spares.append(me)


class _Bell:
    """Wakes one thread. Ringing it before the other waits is no loss; ringing twice is once."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        if self._lock.locked():
            with suppress(RuntimeError):  # another thread rang it between the two
                self._lock.release()

    def wait(self, seconds: float = -1) -> bool:
        return self._lock.acquire(timeout=seconds)


class _Member:
    """One thread, and the bell that calls it."""

    __slots__ = ("bell", "thread")

    def __init__(self, work: Callable[[_Member], None]) -> None:
        self.bell = _Bell()
        self.thread = threading.Thread(target=work, args=(self,), daemon=True)
