"""The address to listen on, and the socket bound to it."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen. Port 0 takes a free one. `unix`, a path, is used instead of host and port."""

    host: str = "127.0.0.1"
    port: int = 8080
    unix: Path | None = None
    backlog: int = 1024

    def bind(self) -> socket.socket:
        """A listening socket that never blocks. Raises OSError when the address cannot be had."""
        sock = self._inet() if self.unix is None else self._unix(self.unix)
        sock.setblocking(False)
        return sock

    def release(self) -> None:
        """Remove what `bind` left in the file system."""
        if self.unix is not None:
            self.unix.unlink(missing_ok=True)

    def _inet(self) -> socket.socket:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        everywhere = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
        sock = socket.create_server(address[:2], family=family, backlog=self.backlog, dualstack_ipv6=everywhere)
        # Accepted sockets inherit it: an answer must not wait for the acknowledgement of the last.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

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


def url(sock: socket.socket, scheme: str) -> str:
    """How to reach a bound socket."""
    name = sock.getsockname()
    if not isinstance(name, tuple):
        return f"unix:{name}"
    host, port = name[:2]
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
