"""Upkeep: clearing what is due from time to time, by one process of all, while the others serve.

Every worker asks the records now and then whether it is time; the first one that asks takes the
turn, so that neither the number of workers nor of machines changes how often it is done.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from filehost_dav.errors import FilehostError
from filehost_dav.state.database import Database

_log = logging.getLogger(__name__)
_ASK_EVERY: Final = 60.0  # seconds
_TURN: Final = "upkeep"


class Upkeep:
    """A thread of its own, so that no request waits for it. `every` in seconds."""

    def __init__(
        self,
        database: Database,
        sweep: Callable[[], None],
        *,
        every: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._sweep = sweep
        self._every = every
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """A sweep that runs now may finish within a second; it can be cut at any point."""
        self._stopped.set()
        self._thread.join(1.0)

    def attend(self) -> bool:
        """Sweep if it is time and no other process has taken the turn; whether it did.

        Raises what the sweep and the records raise.
        """
        if not self._take_turn():
            return False
        self._sweep()
        return True

    def _run(self) -> None:
        while not self._stopped.wait(_ASK_EVERY):
            try:
                self.attend()
            except (FilehostError, OSError) as error:
                _log.warning("Clearing what is due did not finish, and is tried again later: %s", error)

    def _take_turn(self) -> bool:
        now = int(self._clock())
        rows = self._database.query("SELECT value FROM meta WHERE name = ?", (_TURN,))
        if rows and now - int(rows[0][0]) < self._every:
            return False
        with self._database.transaction(_TURN) as transaction:
            rows = transaction.query("SELECT value FROM meta WHERE name = ?", (_TURN,))
            if rows and now - int(rows[0][0]) < self._every:
                return False
            transaction.execute("DELETE FROM meta WHERE name = ?", (_TURN,))
            transaction.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (_TURN, str(now)))
        return True
