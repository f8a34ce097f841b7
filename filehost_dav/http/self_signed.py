"""A certificate of the server's own, for a first evening: made once, kept, and the same after a restart.

Clients must be told to trust it; the fingerprint lets a person compare what the client shows. The
`cryptography` library makes it and is needed for nothing else.
"""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filehost_dav.errors import ConfigError
from filehost_dav.http.tls import Certificate

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_DAYS: Final = 825  # the longest that Apple's systems accept
_RENEW: Final = 30  # days before the end


def self_signed(folder: Path, host: str) -> Certificate:
    """The certificate in `folder`, made where it is missing or about to expire. Raises ConfigError."""
    files = Certificate(folder / "certificate.pem", folder / "key.pem")
    try:
        if not _holds(files):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make(files, host)
    except ImportError as error:
        raise ConfigError(
            ["tls.self_signed needs the library cryptography: pip install 'filehost-dav[tls]'"]
        ) from error
    return files


def fingerprint(certificate: Certificate) -> str:
    """SHA-256 in the form that browsers and Finder show. Raises OSError."""
    encoded = ssl.PEM_cert_to_DER_cert(certificate.certificate.read_text().partition("\n\n")[0])
    digest = hashlib.sha256(encoded).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def _holds(files: Certificate) -> bool:
    if not (files.certificate.exists() and files.key.exists()):
        return False
    from cryptography import x509  # noqa: PLC0415 - an extra, and slow to load

    kept = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return kept.not_valid_after_utc - datetime.now(UTC) > timedelta(days=_RENEW)


def _make(files: Certificate, host: str) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(files.key, secret)
    _write(files.certificate, _signed(key, host).public_bytes(serialization.Encoding.PEM))


def _signed(key: EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Filehost DAV")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # the client's clock may be a little behind
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def _names(host: str) -> list[x509.GeneralName]:
    """Under which the server may be reached: this machine's names and addresses."""
    from cryptography import x509  # noqa: PLC0415

    own = socket.gethostname()
    texts = dict.fromkeys((host, "localhost", own, f"{own}.local", "127.0.0.1", "::1", *_addresses(own)))
    names: list[x509.GeneralName] = []
    for text in texts:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            names.append(x509.DNSName(text))
        else:
            if not address.is_unspecified:
                names.append(x509.IPAddress(address))
    return names


def _addresses(own: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(own, None)]
    except OSError:
        return []


def _write(file: Path, content: bytes) -> None:
    """For the owner's eyes only from its first instant."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
