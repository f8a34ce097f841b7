"""TLS with modern defaults: 1.2 and up, forward secrecy, certificates read again when they change.

Wrapping a socket costs no round trip; the handshake is a step of the connection, which waits in
the selector like any other, under a deadline.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_log = logging.getLogger(__name__)
_LOOK = 5.0
"""Seconds between two looks at the files."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: the certificate with its chain, and its private key."""

    certificate: Path
    key: Path


class Tls:
    """The server's side of TLS."""

    def __init__(self, certificate: Certificate, *, clock: Callable[[], float] = monotonic) -> None:
        """Raises OSError (ssl.SSLError among them) when the files cannot be used."""
        self._clock = clock
        self._files = certificate
        self._seen = self._stamps()
        self._context = make_context(certificate)
        self._look_at = clock() + _LOOK

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """The socket, its handshake not begun yet."""
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + _LOOK
            self._reload()
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def _reload(self) -> None:
        """Take a renewed certificate into use; with an unusable one, go on with the old."""
        try:
            stamps = self._stamps()
            if stamps == self._seen:
                return
            self._context = make_context(self._files)
            self._seen = stamps
            _log.info("The renewed certificate is in use.")
        except OSError as error:
            _log.warning("The certificate changed and cannot be used, the old one stays: %s", error)

    def _stamps(self) -> tuple[int, ...]:
        files = (self._files.certificate, self._files.key)
        return tuple(stamp for file in files for stamp in (file.stat().st_mtime_ns, file.stat().st_ino))


def make_context(certificate: Certificate) -> ssl.SSLContext:
    """Raises OSError (ssl.SSLError among them) when the files cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.num_tickets = 1
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context
