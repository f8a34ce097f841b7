"""Crowd: how much one user, or one address, may have going on at the same time in this process.

Whoever asks for more waits a moment and asks again (429, Retry-After), so that one client cannot
take all the room there is. What is counted ends when its answer is sent or its connection broke.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from filehost_dav.web.refusal import refuse, retry_after

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_UPLOADS: Final = frozenset({"PUT", "POST", "PATCH"})
_RETRY: Final = 2  # seconds


@dataclass(frozen=True, slots=True)
class Allowed:
    """At the same time, in one process: requests of one address, requests and uploads of one user."""

    address: int = 1500
    user: int = 1200
    uploads: int = 1000


Limits = tuple[tuple[str, int], ...]
"""Who is counted, and how often at most."""


class Counts:
    """What is going on now, by who."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def enter(self, limits: Limits) -> str | None:
        """Count one of each, or none of them where one has reached its limit: which."""
        counts = self._counts
        with self._lock:
            for who, most in limits:
                if counts.get(who, 0) >= most:
                    return who
            for who, _ in limits:
                counts[who] = counts.get(who, 0) + 1
        return None

    def leave(self, limits: Limits) -> None:
        counts = self._counts
        with self._lock:
            for who, _ in limits:
                if counts[who] == 1:
                    del counts[who]
                else:
                    counts[who] -= 1


class Crowd:
    """WSGI middleware. Before the sign-in it counts addresses, behind it users."""

    def __init__(self, application: WSGIApplication, allowed: Allowed, counts: Counts) -> None:
        self._application = application
        self._allowed = allowed
        self._counts = counts

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        limits = self._limits(environ)
        full = self._counts.enter(limits)
        if full is not None:
            message = "Too many requests at the same time, try again in a moment"
            return refuse(environ, start_response, "429 Too many requests", message, retry_after(_RETRY))
        environ.setdefault("filehost.ended", []).append(partial(self._counts.leave, limits))
        return self._application(environ, start_response)

    def _limits(self, environ: WSGIEnvironment) -> Limits:
        user = environ.get("filehost.user")
        if user is None:
            address = environ.get("REMOTE_ADDR")
            return ((f"address {address}", self._allowed.address),) if address else ()
        requests = (f"user {user.name}", self._allowed.user)
        if environ["REQUEST_METHOD"] in _UPLOADS:
            return (requests, (f"uploads {user.name}", self._allowed.uploads))
        return (requests,)
