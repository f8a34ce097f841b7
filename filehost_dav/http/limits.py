"""How much one client may ask of the server, and for how long.

Every bound of the HTTP layer is a field here; nothing in this room waits, stores or reads
without one of them. Sizes in bytes, times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one worker. The defaults suit a server on the open internet.

    A deadline on progress counts from the last byte that moved: an upload of an hour that keeps
    moving is fine, a stalled one is not.
    """

    head: int = 65_536
    """Request line and header fields together; more is 431."""
    target: int = 16_384
    """The request target (path and query); more is 414."""
    fields: int = 100
    """Header fields in one request; more is 431."""

    head_seconds: float = 20.0
    """From the first byte of a request (or from the connection) to the end of its head."""
    idle_seconds: float = 75.0
    """How long a kept-alive connection may lie idle. Finder and Explorer hold theirs for a minute."""
    handshake_seconds: float = 10.0
    """For a whole TLS handshake."""
    body_seconds: float = 60.0
    """Between two pieces of a request body."""
    send_seconds: float = 60.0
    """Between two pieces of a response that the client takes."""

    discard: int = 16_777_216
    """Bytes thrown away after a refusal: most clients read the answer only when all is sent. Then they are
    held up, and may find it.
    """
    linger_seconds: float = 10.0
    """How long that may take. It holds no thread."""

    connections: int = 10_000
    """Open connections of one worker; more wait in the listener's queue."""
    drain_seconds: float = 8.0
    """What running requests get to finish in when the worker is asked to stop."""
