"""Homes: behind the sign-in, every request gets its user's own tree, and goes to the page or to WebDAV.

From here on nothing can reach another user's files: what follows has one tree and no way to others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from filehost_dav.accounts.users import User
from filehost_dav.storage.tree import Tree
from filehost_dav.web.application import Pages

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_KEPT: Final = 1000  # users per process whose tree is at hand


class Homes:
    """WSGI application for requests with `filehost.user`, and for OPTIONS without."""

    def __init__(self, pages: Pages, dav: WSGIApplication, home_of: Callable[[User], Tree]) -> None:
        self._pages = pages
        self._dav = dav
        self._home_of = home_of
        self._homes: OrderedDict[User, Tree] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        user = environ.get("filehost.user")
        if user is None:
            return self._dav(environ, start_response)
        environ["filehost.home"] = self._home(user)
        if self._pages.handles(environ):
            return self._pages(environ, start_response)
        return self._dav(environ, start_response)

    def _home(self, user: User) -> Tree:
        # A user whose quota or types changed is another value, and so gets another home.
        home = self._homes.get(user)
        if home is None:
            home = self._homes[user] = self._home_of(user)
            if len(self._homes) > _KEPT:
                self._homes.popitem(last=False)
        return home
