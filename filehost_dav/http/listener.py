"""The addresses to listen on, and the sockets bound to them."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_WITH_A_WORD = getattr(socket, "TCP_DEFER_ACCEPT", None)
"""Clients speak first, over TLS too. Where the kernel knows that, they are announced with their first bytes."""
_SILENT = 1
"""Seconds until one who says nothing is announced all the same."""


class Address(NamedTuple):
    """How to reach a listening socket, and whether it only redirects."""

    url: str
    redirects: bool


@dataclass(frozen=True, slots=True)
class Bound:
    """A listening socket. `redirects`: who comes here by plain HTTP is told to come by HTTPS."""

    socket: socket.socket
    redirects: bool = False

    @property
    def address(self) -> tuple[str, int] | str:
        """Host and port, or the path of a unix socket."""
        name = self.socket.getsockname()
        return (name[0], name[1]) if isinstance(name, tuple) else str(name)

    def reached_by(self, scheme: str) -> Address:
        """`scheme` is the server's own."""
        scheme = "http" if self.redirects else scheme
        if not isinstance(self.address, tuple):
            return Address(f"unix:{self.address}", self.redirects)
        host, port = self.address
        shown = f"[{host}]" if ":" in host else host
        return Address(f"{scheme}://{shown}:{port}/", self.redirects)


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen. Port 0 takes a free one. `unix`, a path, is used instead of host and port.

    `inherited`, a socket that listens already, is used instead of all of them.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    unix: Path | None = None
    backlog: int = 1024
    inherited: socket.socket | None = None
    redirects: bool = False

    def bind(self) -> Bound:
        """A listening socket that never blocks. Raises OSError when the address cannot be had."""
        sock = self.inherited or (self._inet() if self.unix is None else self._unix(self.unix))
        sock.setblocking(False)
        if sock.family != getattr(socket, "AF_UNIX", None):
            # Accepted sockets inherit it: an answer must not wait for the acknowledgement of the last.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if _WITH_A_WORD is not None:
                sock.setsockopt(socket.IPPROTO_TCP, _WITH_A_WORD, _SILENT)
        return Bound(sock, self.redirects)

    def release(self) -> None:
        """Remove what `bind` left in the file system."""
        if self.unix is not None:
            self.unix.unlink(missing_ok=True)

    def _inet(self) -> socket.socket:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        everywhere = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=self.backlog, dualstack_ipv6=everywhere)

    def _unix(self, path: Path) -> socket.socket:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o117)  # owner and group only: whoever reaches the socket may name any client
        try:
            sock.bind(str(path))
        finally:
            os.umask(mask)
        sock.listen(self.backlog)
        return sock
