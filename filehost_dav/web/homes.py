"""Homes: behind the sign-in, every request gets its user's own tree, and goes to the page or to WebDAV.

From here on nothing can reach another user's files: what follows has one tree and no way to others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from filehost_dav.accounts.app_passwords import AppPassword
from filehost_dav.accounts.users import User
from filehost_dav.errors import BadPath, Refused
from filehost_dav.paths import FilePath
from filehost_dav.storage.fence import Fence
from filehost_dav.storage.home import Home
from filehost_dav.web.application import Pages
from filehost_dav.web.refusal import refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_KEPT: Final = 1000  # users per process whose tree is at hand
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH"})


class Homes:
    """WSGI application for requests with `filehost.user`, and for OPTIONS without."""

    def __init__(self, pages: Pages, dav: WSGIApplication, home_of: Callable[[User], Home]) -> None:
        self._pages = pages
        self._dav = dav
        self._home_of = home_of
        self._homes: OrderedDict[User, Home] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        user = environ.get("filehost.user")
        if user is None:
            return self._dav(environ, start_response)
        home = environ["filehost.home"] = self._home(user)
        login = environ.get("filehost.login")
        if login is not None and login.by is not None:
            return self._bounded(home, login.by, environ, start_response)
        if self._pages.handles(environ):
            return self._pages(environ, start_response)
        return self._dav(environ, start_response)

    def _bounded(
        self, home: Home, by: AppPassword, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """An app password opens WebDAV only, never the page, where the account itself can be changed."""
        fence = environ["filehost.home"] = Fence(home, by.folder or FilePath.root(), read_only=by.read_only)
        try:
            if environ["REQUEST_METHOD"] not in _READING:
                fence.check_change(FilePath.parse(path_of(environ)))
        except (BadPath, Refused) as error:
            return refuse(environ, start_response, "403 Not with this password", error.message)
        return self._dav(environ, start_response)

    def _home(self, user: User) -> Home:
        # A user whose quota or types changed is another value, and so gets another home.
        home = self._homes.get(user)
        if home is None:
            home = self._homes[user] = self._home_of(user)
            if len(self._homes) > _KEPT:
                self._homes.popitem(last=False)
        return home


def path_of(environ: WSGIEnvironment) -> str:
    """The path as text (PEP 3333 carries its bytes as Latin-1)."""
    path: str = environ.get("PATH_INFO", "")
    return path.encode("latin-1", "replace").decode("utf-8", "replace")
