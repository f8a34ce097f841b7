"""Survey: figures that take a walk through the storage, looked up now and then, never for a scrape to wait."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from filehost_dav.errors import FilehostError

_log = logging.getLogger(__name__)
_EVERY: Final = 60.0  # seconds between two walks at least
_SHARE: Final = 50  # and so many times what one of them takes

Figures = TypeVar("Figures")


class Survey(Generic[Figures]):
    """A thread of its own, begun when somebody asks for the first time."""

    def __init__(self, measure: Callable[[], Figures]) -> None:
        self._latest: Figures | None = None
        self._measure = measure
        self._beginning = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="survey", daemon=True)

    def latest(self) -> Figures | None:
        """What `measure` last found; None until it has."""
        with self._beginning:
            if not self._thread.is_alive() and not self._stopped.is_set():
                self._thread.start()
        return self._latest

    def stop(self) -> None:
        with self._beginning:
            self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            began = time.monotonic()
            try:
                self._latest = self._measure()
            except (FilehostError, OSError) as error:
                _log.warning("The figures of the storage could not be looked up: %s", error)
            pause = max(_EVERY, _SHARE * (time.monotonic() - began))
