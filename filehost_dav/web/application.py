"""Pages: the routes of the page below `/.filehost/`, and folders as a browser's window asks for them.

Everything else belongs to WebDAV. `FrontDoor` calls `greet` before anyone has signed in; behind
the gate, the application asks `handles` and then calls the Pages themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from filehost_dav.accounts.users import User
from filehost_dav.errors import FilehostError
from filehost_dav.policy.roles import Policy
from filehost_dav.web.account_page import AccountPage
from filehost_dav.web.accounts import Accounts
from filehost_dav.web.answer import Answer, as_json, html, plain, see_other, send
from filehost_dav.web.archive_page import answer_zip
from filehost_dav.web.assets import Assets
from filehost_dav.web.cookie import form_token
from filehost_dav.web.data import (
    answer_check,
    answer_data,
    answer_purge,
    answer_restore,
    answer_trash,
)
from filehost_dav.web.failures import headers_of, rule_of, status_of
from filehost_dav.web.folder_page import answer_folder, is_folder_visit, script_page
from filehost_dav.web.request import Environ, Request, is_from_program
from filehost_dav.web.signin_page import SignInPage
from filehost_dav.web.targets import FROM_PROVIDER, SIGN_IN, TO_PROVIDER
from filehost_dav.web.visit import Visit
from filehost_dav.web.words import Words, choose

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    from filehost_dav.web.oidc_page import OidcPage

OURS: Final = "/.filehost/"
_VIEWS: Final = ("trash", "versions", "connect")  # the script shows these to a browser's window

Handler = Callable[[Visit], Answer]


class Pages:
    """WSGI application for what `handles` says; needs `filehost.user` and `filehost.home`."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        policy_of: Callable[[User], Policy],
        key: bytes,
        plain_http: bool,
        largest: int | None = None,
        oidc: OidcPage | None = None,
    ) -> None:
        """`key` is secret and the same in all the server's processes; `plain_http`: whether passwords may
        come without TLS from other machines; `largest` is in bytes; `oidc`: the way to a provider.
        """
        self._assets = Assets()
        self._sign_in = SignInPage(accounts, plain_http=plain_http, oidc=oidc)
        self._account = AccountPage(accounts)
        self._policy_of = policy_of
        self._key = key
        self._largest = largest
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", ""): lambda _: see_other("/"),
            ("GET", "signin"): lambda _: see_other("/"),
            ("GET", TO_PROVIDER): lambda _: see_other("/"),
            ("GET", FROM_PROVIDER): lambda _: see_other("/"),
            ("POST", "signout"): self._sign_in.sign_out,
            ("GET", "account"): self._account.show,
            ("POST", "account"): self._account.change,
            ("GET", "zip"): answer_zip,
            ("POST", "zip"): answer_zip,
            ("GET", "page"): answer_data,
            ("POST", "page/check"): answer_check,
            ("GET", "page/trash"): answer_trash,
            ("POST", "page/restore"): answer_restore,
            ("POST", "page/purge"): answer_purge,
        }
        self._names = {name for _, name in self._routes} | {"assets"}

    def greet(self, request: Request) -> Answer | None:
        """The answer for a visitor who has not signed in; None where the gate must speak."""
        try:
            return self._greeting(request)
        except FilehostError as error:
            return self._failure(request, error)

    def handles(self, environ: Environ) -> bool:
        """Whether this request of a signed-in user is for the page."""
        if environ["REQUEST_METHOD"] != "POST" and _is_not_ours(environ) and is_from_program(environ):
            return False
        request = Request(environ)
        name = _own_name(request)
        if name is None:
            return request.method == "POST" or is_folder_visit(request)
        known = name in self._names or name.startswith("assets/")
        return known or (name.partition("/")[0] in _VIEWS and is_folder_visit(request))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            answer = self._answer(request)
        except FilehostError as error:
            answer = self._failure(request, error)
        return send(answer, request.method, start_response)

    def _greeting(self, request: Request) -> Answer | None:
        name = _own_name(request)
        words = self._words(request)
        if name is not None and name.startswith("assets/"):
            return self._assets.answer(request)
        if name == "signin" and request.method in ("GET", "HEAD"):
            return self._sign_in.ask(request, words, self._assets)
        if name == "signin" and request.method == "POST":
            return self._sign_in.take(request, words, self._assets)
        if name in (TO_PROVIDER, FROM_PROVIDER):
            answer = self._sign_in.go_elsewhere(name, request, words, self._assets)
            if answer is not None:
                return answer
        if request.is_navigation:
            return _to_sign_in(request, words, self._assets)
        return _signed_out() if request.header("X-Requested-With") == "Filehost" else None

    def _answer(self, request: Request) -> Answer:
        name = _own_name(request)
        if name is not None and name.startswith("assets/"):
            return self._assets.answer(request)
        if name == "signin" and request.method == "POST":
            return self._sign_in.take(request, self._words(request), self._assets)
        visit = self._visit(request)
        if name is None:
            return answer_folder(visit)
        if name.partition("/")[0] in _VIEWS:
            return script_page(visit)
        method = "GET" if request.method == "HEAD" else request.method
        handler = self._routes.get((method, name))
        return handler(visit) if handler else plain("This method has no meaning here", 405)

    def _visit(self, request: Request) -> Visit:
        user: User = request.environ["filehost.user"]
        return Visit(
            request,
            user,
            request.environ["filehost.home"],
            self._policy_of(user),
            self._words(request),
            self._assets,
            form_token(request, user.name, self._key),
            self._largest,
        )

    def _words(self, request: Request) -> Words:
        return choose(request.header("Accept-Language"), self._assets.words)

    def _failure(self, request: Request, error: FilehostError) -> Answer:
        if not request.reads_html:
            answer = as_json({"rule": rule_of(error), "message": error.message}, status_of(error))
        else:
            words = self._words(request)
            page = words.fill(
                self._assets.frame("failure"), assets=self._assets.base, message=escape(error.message)
            )
            answer = html(page, status_of(error))
        return answer.adding(*headers_of(error))


def _is_not_ours(environ: Environ) -> bool:
    return not environ.get("PATH_INFO", "").startswith(OURS)


def _own_name(request: Request) -> str | None:
    """What follows `/.filehost/` in the path, None when it is not there."""
    return request.path.removeprefix(OURS) if request.path.startswith(OURS) else None


def _signed_out() -> Answer:
    """401 for the page's own script, with a challenge that makes no browser ask for a password by itself."""
    return plain("Sign in again", 401).adding(("WWW-Authenticate", 'Session realm="Filehost"'))


def _to_sign_in(request: Request, words: Words, assets: Assets) -> Answer:
    """Off to the form; a visitor who follows a link from another site first comes again by himself.

    Browsers keep a SameSite=Strict cookie back when another site's link is followed: the reload
    brings it, and people who are signed in do not see the form.
    """
    if request.header("Sec-Fetch-Site") == "cross-site":
        return html(words.fill(assets.frame("again")))
    query = str(request.environ.get("QUERY_STRING", ""))
    address = quote(request.path) + (f"?{query}" if query else "")
    return see_other(SIGN_IN if address == "/" else f"{SIGN_IN}?next={quote(address, safe='')}")
