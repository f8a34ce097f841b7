"""Telling systemd how the service is (sd_notify): a datagram to the socket that it names, where it does."""

from __future__ import annotations

import os
import socket


def tell(state: str) -> None:
    """`READY=1` or another assignment of sd_notify(3). Nothing happens without systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        # A leading @ stands for the zero byte of an abstract socket.
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.sendall(state.encode())
