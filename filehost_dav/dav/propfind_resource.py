"""Resources: the responses of one request, each with what the records and the user's quota add to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from filehost_dav.dav.locking import active_lock
from filehost_dav.dav.markup import escaped
from filehost_dav.dav.properties import Around
from filehost_dav.dav.propfind_extras import NONE, Extras
from filehost_dav.dav.propfind_rendering import Renderer
from filehost_dav.dav.request import Request
from filehost_dav.errors import NotFound
from filehost_dav.paths import FilePath, quote_name
from filehost_dav.state.locks import Lock
from filehost_dav.state.properties import Values
from filehost_dav.storage.tree import Entry

_SAFE_NAME = re.compile(r"[A-Za-z0-9._~!$'()*+,;=:@-]+")  # means the same in a URL and in XML


class Resources:
    """Renders the resource of a request and its members."""

    def __init__(self, request: Request, renderer: Renderer, extras: Extras) -> None:
        self._request = request
        self._renderer = renderer
        self._extras = extras
        self._usage = request.home.usage() if renderer.shows_quota else None
        self._base = href_of(request, request.path, is_folder=True)
        self._extra_names = extras.names()
        self.can_be_remembered = not (extras.inherited or renderer.shows_quota)
        """Whether the stamps of the members without extras vouch for their responses."""
        self._are_plain = self.can_be_remembered and not renderer.shows_checksums

    def own(self, entry: Entry) -> bytes:
        """The response of the request's own resource."""
        href = href_of(self._request, entry.path, is_folder=entry.is_folder)
        if self._are_plain and self._extras is NONE:
            return self._renderer.plain(entry, href)
        return self._full(entry, href, self._extras.own, self._extras.covering)

    def member(self, entry: Entry) -> bytes:
        """The response of a member of the request's folder."""
        name = entry.path.name
        href = self._base + quoted(name)
        if entry.is_folder:
            href += "/"
        if self._are_plain and name not in self._extra_names:
            return self._renderer.plain(entry, href)
        return self._full(entry, href, self._extras.values_of(name), self._extras.locks_of(name))

    def _full(self, entry: Entry, href: str, dead: Values, locks: Sequence[Lock]) -> bytes:
        discovery = "".join(active_lock(lock, self._lock_root(lock, entry)) for lock in locks)
        return self._renderer.full(entry, href, Around(discovery, self._usage, self._checksums(entry)), dead)

    def _lock_root(self, lock: Lock, entry: Entry) -> str:
        # What a lock is inherited from is a folder; else it is rooted at the entry itself.
        return self._request.href(lock.path, is_folder=lock.path != entry.path or entry.is_folder)

    def _checksums(self, entry: Entry) -> Mapping[str, str] | None:
        if entry.is_folder or not self._renderer.shows_checksums:
            return None
        try:
            return self._request.home.checksums(entry.path)
        except NotFound:
            return None


def extras_of(request: Request, renderer: Renderer, *, members: bool) -> Extras:
    """What the records add to the resource and, where wanted, to its members, as far as the plan shows it."""
    services, user, path = request.services, request.user, request.path
    own: Values = {}
    dead: Mapping[str, Values] = {}
    covering: Sequence[Lock] = ()
    locks: dict[str, list[Lock]] = {}
    if renderer.shows_dead:
        own = services.properties.of(user, path)
        dead = services.properties.of_members(user, path) if members else {}
    if renderer.shows_locks:
        covering = services.locks.covering(user, path)
        for lock in services.locks.below(user, path) if members else ():
            if len(lock.path.parts) == len(path.parts) + 1:
                locks.setdefault(lock.path.name, []).append(lock)
    return Extras(own, covering, dead, locks) if own or dead or covering or locks else NONE


def href_of(request: Request, path: FilePath, *, is_folder: bool) -> str:
    """The URL path of a resource as the content of an href: percent-encoded, and nothing for XML to escape."""
    return escaped(request.href(path, is_folder=is_folder))


def quoted(name: str) -> str:
    """A name as the last part of an href."""
    return name if _SAFE_NAME.fullmatch(name) else escaped(quote_name(name))
