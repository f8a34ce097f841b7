"""Pulse: whether an engine that says nothing is at work or frozen.

A statement may take long, and only the engine knows; one that still lets somebody in is at work.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import psycopg
from psycopg.errors import ConnectionTimeout

SILENCE: Final = 3.0  # seconds before anybody asks
_PATIENCE: Final = 3  # seconds to be let in, for each address of the engine


class Pulse:
    """Of the engine at `url`, felt by one thread for all that wait."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = threading.Lock()
        self._felt = float("-inf")
        self._beats = True

    def beats(self) -> bool:
        asked = time.monotonic()
        with self._turn:
            if self._felt < asked:
                self._beats = self._is_let_in()
                self._felt = time.monotonic()
            return self._beats

    def _is_let_in(self) -> bool:
        try:
            psycopg.connect(self._url, connect_timeout=_PATIENCE).close()
        except ConnectionTimeout:
            return False
        except psycopg.OperationalError:
            return True  # a refusal is an answer, and who lost the connection for good is told by it
        return True
