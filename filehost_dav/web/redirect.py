"""Redirect: what answers at plain HTTP where the server itself is at HTTPS.

A browser that was only told the name is sent on. Nobody else is: a program that follows would send its
password in the clear each time before it is told the way, and nobody would notice. It is refused
with a sentence, and never asked for a password here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from filehost_dav.web.answer import plain, send
from filehost_dav.web.refusal import refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# A name or address, and the port that was asked for. Names have no more than these (RFC 1123 section 2.1).
_HOST: Final = re.compile(r"(?P<host>[0-9A-Za-z._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{0,5})?")
_SAFE: Final = "/~!$&'()*+,;=:@-._"


class Redirect:
    """WSGI application. `host`, with a port where it needs one, is where it leads; "" is what was asked for."""

    def __init__(self, host: str = "") -> None:
        self._host = host

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method, host = environ["REQUEST_METHOD"], self._host or _asked_for(environ)
        if host is None:
            return send(plain("Name the server, as in https://files.example.org/", 400), method, start_response)
        if method not in ("GET", "HEAD"):
            return refuse(environ, start_response, "403 Use https", f"Use https://{host}/ instead")
        if "HTTP_AUTHORIZATION" in environ:
            message = f"Use https://{host}/ instead; the password has just crossed the network in the clear"
            return refuse(environ, start_response, "403 Use https", message)
        location = f"https://{host}{_target(environ)}"
        answer = plain(f"Go on at {location}", 308).adding(("Location", location))
        return send(answer, method, start_response)


def _asked_for(environ: WSGIEnvironment) -> str | None:
    """The host that the client named, at the port of HTTPS."""
    found = _HOST.fullmatch(environ.get("HTTP_HOST", ""))
    if found is None:
        return None
    port = environ.get("filehost.https_port", "")
    return found["host"] if port in ("", "443") else f"{found['host']}:{port}"


def _target(environ: WSGIEnvironment) -> str:
    """Path and query, encoded anew: nothing of it can end the header or name another host."""
    path = quote(environ.get("PATH_INFO", "").encode("latin-1"), safe=_SAFE)
    query = quote(environ.get("QUERY_STRING", ""), safe=_SAFE + "?%", encoding="latin-1")
    return path + (f"?{query}" if query else "")
