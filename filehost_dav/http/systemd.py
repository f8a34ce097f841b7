"""What systemd hands over to a service, and what it wants to hear: sd_listen_fds(3) and sd_notify(3).

A socket unit opens the sockets before the server starts and keeps them when it ends, so that clients
wait in the queue meanwhile. Without systemd, and on systems without it, all of this does nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final, NamedTuple

from filehost_dav.errors import ConfigError

REDIRECT: Final = "redirect"
"""FileDescriptorName of sockets whose visitors are sent on to HTTPS."""
_FIRST: Final = 3  # SD_LISTEN_FDS_START
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Inherited(NamedTuple):
    """A listening socket that systemd opened, and its FileDescriptorName."""

    name: str
    socket: socket.socket


def inherited(environ: MutableMapping[str, str] = os.environ) -> list[Inherited]:
    """The sockets meant for this process. Ask once: the variables are removed, so no child takes them.

    Raises ConfigError when one of them is no listening stream socket.
    """
    pid, count, names = (environ.pop(name, "") for name in _VARIABLES)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    named = names.split(":") if names else []
    found = []
    for place in range(int(count)):
        name = named[place] if place < len(named) else ""
        found.append(Inherited(name, _listening(_FIRST + place, name)))
    return found


def tell(state: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """`READY=1` or another assignment of sd_notify(3). A supervisor that is gone is no trouble."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        # A leading @ stands for the zero byte of an abstract socket.
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.sendall(state.encode())


def watchdog_seconds(environ: MutableMapping[str, str] = os.environ) -> float | None:
    """How often systemd wants to hear `WATCHDOG=1` from this process: twice in its WatchdogSec."""
    microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or pid != str(os.getpid()):
        return None
    return int(microseconds) / 1e6 / 2


def _listening(descriptor: int, name: str) -> socket.socket:
    try:
        sock = socket.socket(fileno=descriptor)
        sock.set_inheritable(False)
        if sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return sock
    except OSError:
        pass
    raise ConfigError([f"The socket {name or descriptor} from systemd is none to listen on (ListenStream=)"])
