"""A client's socket: it never blocks, every wait has a deadline, and every wait is announced.

The deadlines count from the last byte that moved. Before a thread waits here it calls `leave`, so
that another thread can go on serving meanwhile (see crew.py). What was received and not yet
consumed is kept in the inbox, which is bounded by what a single receive brings.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from contextlib import suppress

from filehost_dav.http.pipe import Pipe

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
READABLE, WRITABLE = 1, 2
MORE = getattr(socket, "MSG_MORE", 0)
"""With `send`: hold a partial packet back, more follows at once. Plain sockets only."""
_CORK = getattr(socket, "TCP_CORK", None)
"""The same for all that is sent from now on. A fifth of a second is the longest it holds anything back."""
RECEIVE = 16_384
"""Bytes asked for when a head is expected: most requests, small bodies included, come in one piece."""
BLOCK = 65_536
"""The size of a copy through this process; larger falls out of the processor's cache."""
_GOOD_PART = 65_536
_PIECE = 262_144
_RECORD = 16_709
"""The most bytes of one TLS record (RFC 8446 section 5.2, RFC 5246 section 6.2.3)."""
_HAS_MARK = sys.platform == "linux"
"""Elsewhere a low-water mark is not heeded by every way of waiting."""
_WAITS_IN_KERNEL = sys.platform == "linux"
"""A sendfile that waits by itself costs no wake-up of a thread for each part of a large file."""


class Gone(Exception):
    """The client is lost. (Not an OSError: one of those may come from a disk or another server.)"""


class Stalled(Gone):
    """The client sent nothing, or took nothing, for too long."""


class Wire:
    """One connection's bytes, both ways. Used by one thread at a time."""

    __slots__ = ("_at", "_inbox", "_mark", "leave", "received", "send_seconds", "sent", "sock", "tls")

    def __init__(self, sock: socket.socket, leave: Callable[[], None], send_seconds: float) -> None:
        self.sock = sock
        self.tls = isinstance(sock, ssl.SSLSocket)
        self.leave = leave
        self.send_seconds = send_seconds
        self.received = self.sent = 0
        self._inbox = b""
        self._at = 0
        self._mark = 1

    def skip(self, count: int) -> None:
        """Drop bytes of the inbox."""
        self._at += count
        if self._at == len(self._inbox):
            self._inbox, self._at = b"", 0  # an idle connection keeps nothing of its last request

    @property
    def pending(self) -> int:
        """Bytes in the inbox."""
        return len(self._inbox) - self._at

    def peek(self) -> bytes:
        """All of the inbox, left there."""
        if self._at:
            self._inbox, self._at = self._inbox[self._at :], 0
        return self._inbox

    def take(self, most: int) -> bytes:
        """At most that many bytes out of the inbox."""
        start, end = self._at, min(self._at + most, len(self._inbox))
        if end == len(self._inbox):
            piece = self._inbox[start:] if start else self._inbox
            self._inbox, self._at = b"", 0
            return piece
        self._at = end
        return self._inbox[start:end]

    def fetch(self, most: int = RECEIVE) -> int | None:
        """Receive into the inbox without waiting: how many bytes, 0 at the end, None when nothing is there.

        A connection that is lost has come to its end, too.
        """
        try:
            data = self.sock.recv(most)
        except WOULD_BLOCK:
            return None
        except OSError:
            return 0
        self._inbox = self._inbox[self._at :] + data if self._at < len(self._inbox) else data
        self._at = 0
        self.received += len(data)
        return len(data)

    def fetch_into(self, buffer: memoryview) -> int | None:
        """Like `fetch`, past the inbox (which must be empty) straight into `buffer`."""
        try:
            count = self.sock.recv_into(buffer)
        except WOULD_BLOCK:
            return None
        except OSError:
            return 0
        self.received += count
        return count

    def insist(self, attempt: Callable[[], int | None], coming: int, seconds: float) -> int:
        """Repeat an attempt to receive until it brings something. Raises Stalled.

        `coming` bytes are certain to arrive if the client goes on. A thread that waits for a slow
        client sleeps until a good part of them is there, not until every packet.
        """
        while (count := attempt()) is None:
            self._set_mark(min(coming, _GOOD_PART))
            if not self._await(READABLE, seconds):
                # Less than the good part may have come: that is progress too.
                if (count := attempt()) is None:
                    raise Stalled
                break
        return count

    def rest(self) -> None:
        """Before the socket goes back to the selector: every byte counts again."""
        self._set_mark(1)

    def splice_into(self, pipe: Pipe, most: int) -> int | None:
        """Like `fetch`, within the kernel."""
        try:
            count = pipe.fill(self.sock.fileno(), most)
        except BlockingIOError:
            return None
        except OSError:
            return 0
        self.received += count
        return count

    def send(self, data: bytes | memoryview, flags: int = 0) -> None:
        """Send all of it. Raises Gone; Stalled when the client takes nothing for too long."""
        count = self.send_now(data if len(data) <= _PIECE else memoryview(data)[:_PIECE], flags)
        if count < len(data):
            self._send_rest(memoryview(data)[count:], waits=count < _PIECE)

    def send_last(self, data: bytes) -> None:
        """Like `send`, when only the end of the connection follows: both leave together."""
        if self.tls:
            self._hold_back(1)
        self.send(data, 0 if self.tls else MORE)

    def _send_rest(self, view: memoryview, *, waits: bool) -> None:
        # In pieces: OpenSSL remembers a write that did not go out, and fails unless the next one is as long.
        while view:
            if waits:
                self.wait(WRITABLE, self.send_seconds)
            count = self.send_now(view[:_PIECE])
            view, waits = view[count:], count < _PIECE

    def send_now(self, data: bytes | memoryview, flags: int = 0) -> int:
        """As much as goes out without waiting. Raises Gone."""
        try:
            count = self.sock.send(data, flags)
        except WOULD_BLOCK:
            return 0
        except OSError as error:
            raise Gone(str(error)) from None
        self.sent += count
        return count

    def send_file(self, descriptor: int, start: int, length: int) -> int:
        """Send a part of a file within the kernel: how many bytes, fewer only when the file has shrunk."""
        # Else every acknowledgement makes the kernel send what has come together, however little.
        self._hold_back(1)
        try:
            return self._send_file(descriptor, start, length)
        finally:
            self._hold_back(0)

    def _send_file(self, descriptor: int, start: int, length: int) -> int:
        at, end = start, start + length
        patient = False
        try:
            while at < end:
                try:
                    count = os.sendfile(self.sock.fileno(), descriptor, at, min(end - at, 1 << 30))
                except BlockingIOError:
                    if patient:
                        raise Stalled from None
                    patient = self._wait_to_send()
                    continue
                except ConnectionError as error:
                    raise Gone(str(error)) from None
                if not count:
                    break
                at += count
                self.sent += count
        finally:
            if patient:
                self.sock.setblocking(False)
        return at - start

    def _wait_to_send(self) -> bool:
        """Wait for room; or, where the kernel can do that by itself with a deadline, let it: then True."""
        if not _WAITS_IN_KERNEL:
            self.wait(WRITABLE, self.send_seconds)
            return False
        self.leave()
        seconds, fraction = divmod(self.send_seconds, 1)
        deadline = struct.pack("@ll", int(seconds), int(fraction * 1e6))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, deadline)
        self.sock.setblocking(True)
        return True

    def _hold_back(self, on: int) -> None:
        """Whether partial packets wait for what follows."""
        if _CORK is not None:
            with suppress(OSError):  # a unix socket has no packets
                self.sock.setsockopt(socket.IPPROTO_TCP, _CORK, on)

    def wait(self, event: int, seconds: float) -> None:
        """Until the socket is ready. Raises Stalled."""
        if not self._await(event, seconds):
            raise Stalled

    def _await(self, event: int, seconds: float) -> bool:
        self.leave()
        return _ready(self.sock, event, seconds)

    def _set_mark(self, count: int) -> None:
        """How many bytes make the socket readable."""
        if self.tls:
            # What OpenSSL holds of a half-received record does not come again.
            count -= _RECORD
        count = max(count, 1)
        if count != self._mark and _HAS_MARK:
            self._mark = count
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)


def _ready(sock: socket.socket, event: int, seconds: float) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN if event == READABLE else select.POLLOUT)
        return bool(poll.poll(seconds * 1000))
    reads, writes = ([sock], []) if event == READABLE else ([], [sock])
    return any(select.select(reads, writes, [], seconds))
