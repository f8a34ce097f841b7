"""The front door: before anyone asks for a password, see whether a proxy or a session tells who this is.

It refuses what another site sends on a user's behalf, whatever the credentials; it lets the trusted
header or a session take the place of a password; and it sends a person without any to the sign-in
page, while programs go on to the gate and its 401.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from filehost_dav.accounts.sessions import Sessions
from filehost_dav.accounts.users import User
from filehost_dav.errors import SignInRefused
from filehost_dav.web.answer import Answer, plain, send
from filehost_dav.web.application import Pages
from filehost_dav.web.cookie import session_of
from filehost_dav.web.request import Environ, Request, is_from_program
from filehost_dav.web.trusted_header import TrustedHeader

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication


class FrontDoor:
    """WSGI middleware in front of the gate: may set `filehost.user`, or answers, or passes on."""

    def __init__(
        self,
        application: WSGIApplication,
        pages: Pages,
        sessions: Sessions,
        find_user: Callable[[str], User | None],
        header: TrustedHeader | None = None,
    ) -> None:
        """`application` is the gate: it must let a request pass that has `filehost.user` already."""
        self._application = application
        self._pages = pages
        self._sessions = sessions
        self._find_user = find_user
        self._header = header

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._header is None and environ.get("HTTP_AUTHORIZATION") and is_from_program(environ):
            return self._application(environ, start_response)
        request = Request(environ)
        answer = self._answer(request)
        if answer is None:
            return self._application(environ, start_response)
        return send(answer, request.method, start_response)

    def _answer(self, request: Request) -> Answer | None:
        if not request.is_read and request.is_cross_site:
            return plain("Another site may not change anything here", 403)
        try:
            by_browser = self._named(request) or self._recognise(request)
        except SignInRefused as error:
            return plain(error.message, 403)
        if by_browser and not (request.is_read or request.is_same_site):
            return plain("This browser does not say which page sent this", 403)
        if "filehost.user" in request.environ or request.header("Authorization"):
            return None
        return self._pages.greet(request)

    def _named(self, request: Request) -> bool:
        """Whether a trusted proxy names who this is, and a form may have sent this: only browsers send those.

        Everything else that another site's script could send carries its Origin, and was refused above;
        programs that signed in at the proxy say nothing of sites.
        """
        user = self._header.take(request.environ) if self._header else None
        if user is None:
            return False
        self._enter(request, user)
        request.environ["filehost.header"] = True
        return request.method == "POST"

    def _recognise(self, request: Request) -> bool:
        """Whether a session signs this request in."""
        session = None if "filehost.user" in request.environ else session_of(request, self._sessions)
        user = self._find_user(session.user) if session else None
        if user is None:
            return False
        self._enter(request, user)
        request.environ["filehost.session"] = session
        return True

    @staticmethod
    def _enter(request: Request, user: User) -> None:
        request.environ["filehost.user"] = user
        request.environ["wsgidav.auth.user_name"] = user.name
