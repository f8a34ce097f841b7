"""What a trusted proxy says about the client, taken over into the WSGI environ.

`Forwarded` (RFC 7239) and `X-Forwarded-*` can be sent by anybody, so they are believed only when
the connection comes from a listed proxy, and only as far back as the addresses are listed ones:
the client is the last address in the chain that is not a trusted proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,"\s]*)\s*')
_HOST = re.compile(r"[0-9A-Za-z.\-_]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose word is believed: networks, and whoever connects through the unix socket."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    unix: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Proxies:
        """From addresses and networks, and the word `unix`. Raises ValueError."""
        names = [text.strip() for text in texts]
        networks = tuple(ip_network(name, strict=False) for name in names if name != "unix")
        return cls(networks, "unix" in names)

    def __bool__(self) -> bool:
        return bool(self.networks) or self.unix

    def trust(self, address: str) -> bool:
        """Whether an address (empty: the unix socket) is one of them."""
        parsed = _parsed(address)
        if parsed is None:
            return self.unix and not address
        return any(parsed in network for network in self.networks)


def believe(environ: dict[str, Any], proxies: Proxies) -> dict[str, Any]:
    """The environ as the proxy's client would have made it, or the same one when the sender is not listed."""
    if not proxies.trust(environ["REMOTE_ADDR"]):
        return environ
    hops = _forwarded(environ) or _x_forwarded(environ)
    told: dict[str, Any] = {}
    for hop in reversed(hops):
        address = _address(hop.get("for", ""))
        if address:
            told["REMOTE_ADDR"], told["REMOTE_PORT"] = address, ""
        if hop.get("proto") in ("http", "https"):
            told["wsgi.url_scheme"] = hop["proto"]
        if _HOST.fullmatch(hop.get("host", "")):
            told["HTTP_HOST"] = hop["host"]
        if not address or not proxies.trust(address):
            break
    return {**environ, **told}


def _forwarded(environ: dict[str, Any]) -> list[dict[str, str]]:
    """The elements of `Forwarded`, in order; empty when it is absent or malformed."""
    text = environ.get("HTTP_FORWARDED", "")
    hops: list[dict[str, str]] = []
    at = 0
    separator = ","
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return []
        if separator == ",":
            hops.append({})
        hops[-1][pair[1].lower()] = _unquoted(pair[2])
        at = pair.end()
        separator = text[at : at + 1]
        if separator not in ("", ",", ";"):
            return []
        at += 1
    return hops


def _x_forwarded(environ: dict[str, Any]) -> list[dict[str, str]]:
    """The same from `X-Forwarded-For`, `-Proto` and `-Host`; the latter two belong to the nearest proxy."""
    addresses = [address.strip() for address in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    hops = [{"for": address} for address in addresses]
    hops[-1]["proto"] = _last(environ, "HTTP_X_FORWARDED_PROTO").lower()
    hops[-1]["host"] = _last(environ, "HTTP_X_FORWARDED_HOST")
    return hops


def _last(environ: dict[str, Any], key: str) -> str:
    return str(environ.get(key, "")).rpartition(",")[2].strip()


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _address(text: str) -> str:
    """The address in `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80` or `2001:db8::1`; else nothing."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    parsed = _parsed(text)
    return "" if parsed is None else str(parsed)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
