"""Request: what the page's handlers need to know of a WSGI environ, read once and decoded.

It also answers the two questions that browsers raise: is a person looking (`wants_page`), and
did another site send this (`is_cross_site`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

Environ = dict[str, Any]

_READS = ("GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH")
_FROM_BROWSERS = frozenset(
    {
        "HTTP_COOKIE",
        "HTTP_ORIGIN",
        "HTTP_SEC_FETCH_MODE",
        "HTTP_SEC_FETCH_SITE",
        "HTTP_UPGRADE_INSECURE_REQUESTS",
        "HTTP_X_REQUESTED_WITH",
    }
)
_MOST_FIELDS = 20_000  # of one query or form


def is_from_program(environ: Environ) -> bool:
    """Whether nothing in the head comes from a browser: such a request has no session, no other site sent
    it, and nobody looks at its answer. It is asked first, of every request.
    """
    return environ.keys().isdisjoint(_FROM_BROWSERS) and "text/html" not in environ.get("HTTP_ACCEPT", "")


@dataclass(frozen=True)
class Request:
    """One request."""

    environ: Environ

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @cached_property
    def path(self) -> str:
        """The decoded path; what is not UTF-8 in it is replaced, since it names nothing of ours."""
        return str(self.environ.get("PATH_INFO") or "/").encode("latin-1").decode(errors="replace")

    @cached_property
    def query(self) -> dict[str, list[str]]:
        text = str(self.environ.get("QUERY_STRING", ""))
        return parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")

    @property
    def is_secure(self) -> bool:
        """Whether the browser speaks TLS, here or with the proxy in front."""
        return bool(self.environ.get("wsgi.url_scheme") == "https")

    @property
    def address(self) -> str:
        return str(self.environ.get("REMOTE_ADDR", ""))

    def header(self, name: str) -> str:
        """The value of a header, empty where there is none."""
        return str(self.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))

    def argument(self, name: str) -> str:
        """The first value of a query argument, empty where there is none."""
        return self.query.get(name, [""])[0]

    @cached_property
    def cookies(self) -> dict[str, str]:
        pairs = (pair.partition("=") for pair in self.header("Cookie").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs}

    @property
    def is_read(self) -> bool:
        """Whether the method changes nothing."""
        return self.method in _READS

    @property
    def is_navigation(self) -> bool:
        """Whether a browser's window goes to this address, rather than a program or a script.

        Browsers say so by Sec-Fetch-Mode, but only over TLS and to this very machine; over plain
        HTTP to another one, Upgrade-Insecure-Requests is what a script cannot send.
        """
        if self.method not in ("GET", "HEAD"):
            return False
        if mode := self.header("Sec-Fetch-Mode"):
            return mode == "navigate" and self.header("Sec-Fetch-Dest") in ("document", "")
        return self.header("Upgrade-Insecure-Requests") == "1" and self.reads_html

    @property
    def reads_html(self) -> bool:
        """Whether HTML is asked for by name; WebDAV programs send `*/*` or nothing."""
        return "text/html" in self.header("Accept")

    @property
    def is_cross_site(self) -> bool:
        """Whether a page of another site sent this. Programs that are no browser never do.

        Browsers send Sec-Fetch-Site, or at least Origin with everything that changes something.
        Origins of extensions and apps (`moz-extension:`, `app:`) are no web site: those programs
        hold the password themselves, and no web site can pretend to be one.
        """
        origin = self.header("Origin")
        scheme = origin.partition("://")[0]
        if origin not in ("", "null") and scheme not in ("http", "https"):
            return False
        if site := self.header("Sec-Fetch-Site"):
            return site not in ("same-origin", "none")
        return bool(origin) and urlsplit(origin).netloc.casefold() != self.header("Host").casefold()

    @property
    def is_same_site(self) -> bool:
        """Whether the browser says that a page of this very site sent this, or the user directly."""
        said = self.header("Sec-Fetch-Site") or self.header("Origin")
        return bool(said) and not self.is_cross_site
