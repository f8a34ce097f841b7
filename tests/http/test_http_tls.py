"""TLS: what is spoken, who waits for whom, and certificates that change."""

from __future__ import annotations

import os
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harness.raw import Raw, demo, make_certificate, ours, request, trusting

from filehost_dav.http.limits import Limits
from filehost_dav.http.tls import Certificate, Tls

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def test_requests_and_bodies_of_all_sizes_pass(certificate: Certificate) -> None:
    with ours(demo, tls=certificate) as port, Raw(port, tls=trusting()) as client:
        for size in (0, 1, 16_384, 16_385, 1_000_000):
            body = os.urandom(size)
            assert client.ask(request("PUT", "/a", body=body)).body == b"PUT|/a||" + body


def test_an_answer_in_one_large_piece_reaches_a_client_that_is_slow_to_read(certificate: Certificate) -> None:
    """OpenSSL wants a write that could not go out again as long as it was, or longer."""
    body = os.urandom(8_000_000)

    def large(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    with ours(large, tls=certificate) as port, Raw(port, tls=trusting()) as client:
        client.send(request())
        time.sleep(0.3)  # until every buffer on the way is full
        assert client.answer().body == body


def test_a_request_in_plain_text_is_told_so(certificate: Certificate) -> None:
    with ours(demo, tls=certificate) as port, Raw(port) as client:
        answer = client.ask(request())
        assert (answer.status, answer.body) == (400, b"This port speaks HTTPS, not plain HTTP.\r\n")


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "tls"])
def test_who_sends_all_before_reading_still_reads_the_refusal(certificate: Certificate, over_tls: bool) -> None:
    tls, trust = (certificate, trusting()) if over_tls else (None, None)
    with ours(demo, tls=tls) as port, Raw(port, tls=trust) as client:
        answer = client.ask(request("PUT", "/refuse", body=b"x" * 15_000_000))
        assert (answer.status, answer.body) == (401, b"no")


def test_a_silent_client_is_let_go_and_holds_nobody_up(certificate: Certificate) -> None:
    limits = Limits(handshake_seconds=0.5)
    with ours(demo, tls=certificate, limits=limits) as port, Raw(port) as silent, Raw(port) as half:
        half.send(b"\x16\x03\x01")
        with Raw(port, timeout=1, tls=trusting()) as client:
            assert client.ask(request()).status == 200
        assert silent.is_closed(5)
        assert half.is_closed(5)


def test_the_end_is_announced(certificate: Certificate) -> None:
    """Without it a client cannot tell the end of the answer from an attack that cut it off."""
    with ours(demo, tls=certificate) as port, Raw(port, tls=trusting()) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        client.sock.suppress_ragged_eofs = False
        assert client.send(request("GET", "/", "Connection: close")).rest().endswith(b"GET|/||")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_every_cipher_has_forward_secrecy(certificate: Certificate, version: ssl.TLSVersion) -> None:
    context = trusting()
    context.minimum_version = context.maximum_version = version
    with ours(demo, tls=certificate) as port, Raw(port, tls=context) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        cipher = client.sock.cipher()
        assert cipher is not None
        assert "ECDHE" in cipher[0] or cipher[0].startswith("TLS_")


def test_a_renewed_certificate_is_taken_into_use(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    clock = [0.0]
    tls = Tls(files, clock=lambda: clock[0])
    first = _presented(tls)
    make_certificate(tmp_path)
    assert _presented(tls) == first
    clock[0] += 60
    assert _presented(tls) != first


def test_an_unusable_certificate_does_not_replace_a_good_one(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    clock = [0.0]
    tls = Tls(files, clock=lambda: clock[0])
    first = _presented(tls)
    files.certificate.write_text("half written")
    clock[0] += 60
    assert _presented(tls) == first


def _presented(tls: Tls) -> bytes | None:
    """The certificate a client is shown, over a pair of sockets."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    client = trusting().wrap_socket(far, do_handshake_on_connect=False)
    with tls.wrap(near) as server, client:
        ends = [client, server]
        deadline = time.monotonic() + 5
        while ends and time.monotonic() < deadline:
            for end in ends[:]:
                try:
                    end.do_handshake()
                    ends.remove(end)
                except ssl.SSLWantReadError:
                    continue
        return client.getpeercert(binary_form=True)
