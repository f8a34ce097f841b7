"""Addresses with a port, as settings name them: `127.0.0.1:9464`, `[::1]:80`, `localhost:80`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):([0-9]{1,5})")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(:[0-9]{1,5})?")


def is_address(text: str) -> bool:
    """Whether it is a host and a port."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and int(found[2]) <= 65535


def is_host(text: str) -> bool:
    """Whether it is a host, with or without a port."""
    return _HOST.fullmatch(text) is not None


def host_and_port(address: str) -> tuple[str, int]:
    """Its parts, of one that `is_address`; an IPv6 address without its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_private_url(url: str) -> bool:
    """Whether nobody on the way can read what is asked there: https, or this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https"
        or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))
    )
