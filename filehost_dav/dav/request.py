"""Request: one WebDAV request as the methods see it, made once at the door.

From here on a place is a FilePath and never a string. The URL at which the tree is mounted is only
in `prefix`: locks, properties and files are keyed by user and path, so that the same tree can be
mounted at several URLs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from filehost_dav.dav.propfind_memory import Listings
from filehost_dav.dav.statuses import Refusal
from filehost_dav.errors import BadPath
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Database
from filehost_dav.state.locks import LockStore
from filehost_dav.state.properties import Properties
from filehost_dav.storage.home import Home

Environ = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """What the methods share: the records that live beside the files, what a process remembers, and what the
    operator allows (`whole_trees`: listing a tree to any depth in one request).
    """

    database: Database
    locks: LockStore
    properties: Properties
    listings: Listings
    whole_trees: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """`user` owns `home`; `prefix` (percent-encoded, no slash at its end) precedes its paths in URLs."""

    environ: Environ
    path: FilePath
    prefix: str
    user: str
    home: Home
    services: Services

    @classmethod
    def of(cls, environ: Environ, services: Services) -> Request:
        """Raises BadPath for a URL that cannot name a place, Refusal for one that was taken for another."""
        if "filehost.gateway" not in environ:
            _check_target(environ)
        return cls(
            environ,
            FilePath.parse(decoded(environ["PATH_INFO"])),
            prefix_of(environ),
            environ["filehost.user"].name,
            environ["filehost.home"],
            services,
        )

    def header(self, name: str) -> str | None:
        """The value of a request header, named as in the environ: `HTTP_DEPTH`."""
        value: str | None = self.environ.get(name)
        return value

    def href(self, path: FilePath, *, is_folder: bool) -> str:
        """The URL path of a resource; folders end with a slash."""
        url = self.prefix + path.as_url()
        return url + "/" if is_folder and not path.is_root else url

    def place(self, url: str) -> FilePath | None:
        """The place in this tree that a URL or URL path names; None when it lies outside of the mount.

        Scheme and authority are not looked at: behind a proxy they are not ours (RFC 4918 10.3 allows
        a path alone as well). The path is split off before it is decoded, so that `%3F` and `%3B` stay
        parts of a name. Raises BadPath.
        """
        path = url_path(url)
        prefix = unquote(self.prefix)
        if not path.startswith(prefix + "/") and path != prefix:
            return None
        return FilePath.parse(path[len(prefix) :])


def _check_target(environ: Environ) -> None:
    """A foreign server decodes `%2F` and cuts a fragment off: `PATH_INFO` is another place than was asked for.

    Raises Refusal (400) where the server tells what was asked for (gunicorn by RAW_URI), as our own does.
    """
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if "#" in target or "%2f" in target.partition("?")[0].lower():
        raise Refusal(400, "The address must have no fragment, and no name in it may hold a slash")


def url_path(url: str) -> str:
    """The decoded path of a URL, absolute or a path alone. Raises BadPath when it names no place."""
    if not url.startswith("/"):
        _, absolute, rest = url.partition("://")
        url = "/" + rest.partition("/")[2] if absolute else url
    raw = url.partition("?")[0].partition("#")[0]
    if not raw.startswith("/") or "%2f" in raw.lower():
        raise BadPath("A URL must have a path, and no name in it may hold a slash", rule="characters")
    return decoded(unquote_to_bytes(raw.encode("latin-1", "replace")).decode("latin-1"))


def prefix_of(environ: Environ) -> str:
    """The URL path at which the tree is mounted, percent-encoded: SCRIPT_NAME, which WSGI decodes."""
    mounted: str = environ.get("SCRIPT_NAME", "")
    return quote(mounted.encode("latin-1")) if mounted else ""


def decoded(path_info: str) -> str:
    """PATH_INFO as text: WSGI carries its UTF-8 bytes as latin-1. Raises BadPath when they are not UTF-8."""
    if path_info.isascii():
        return path_info
    try:
        return path_info.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise BadPath("A URL must be percent-encoded UTF-8", rule="encoding") from None


def depth(request: Request, *, default: str) -> str:
    """The Depth header: '0', '1' or 'infinity'. Raises Refusal (400) for anything else."""
    value = (request.header("HTTP_DEPTH") or default).strip().lower()
    if value not in ("0", "1", "infinity"):
        raise Refusal(400, "The Depth header must be 0, 1 or infinity")
    return value
