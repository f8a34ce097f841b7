"""The sign-in page: a name and a password, then a code where the account asks for one, then a session.

The form for the code comes only after the right password, so that nobody else learns whether an
account asks for codes. These pages are plain HTML: they work in any browser, with or without scripts.
"""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from filehost_dav.accounts.users import User
from filehost_dav.errors import FilehostError, SignInRefused, Throttled
from filehost_dav.web.accounts import Accounts
from filehost_dav.web.answer import Answer, html, see_other
from filehost_dav.web.assets import Assets
from filehost_dav.web.cookie import forget_session, keep_session, session_token
from filehost_dav.web.failures import headers_of, status_of
from filehost_dav.web.forms import Fields, read_fields
from filehost_dav.web.markup import first, notice
from filehost_dav.web.request import Request
from filehost_dav.web.signin import is_private
from filehost_dav.web.targets import SIGN_IN, TO_PROVIDER, local_target
from filehost_dav.web.visit import Visit
from filehost_dav.web.words import Words

if TYPE_CHECKING:
    from filehost_dav.web.oidc_page import OidcPage


class SignInPage:
    """`plain_http`: whether passwords may come without TLS from other machines; `oidc`: a provider."""

    def __init__(self, accounts: Accounts, *, plain_http: bool, oidc: OidcPage | None = None) -> None:
        self._accounts = accounts
        self._oidc = oidc
        self._plain_http = plain_http

    def ask(self, request: Request, words: Words, assets: Assets) -> Answer:
        """The form for name and password."""
        said = "" if self._may_sign_in(request) else notice(words.say("signin.tls"), "bad")
        return html(self._password_form(words, assets, target=request.argument("next"), said=said))

    def take(self, request: Request, words: Words, assets: Assets) -> Answer:
        """Take a form: a session and on to where the visitor wanted to go, or a form with a reason."""
        if not self._may_sign_in(request):
            return replace(self.ask(request, words, assets), status=403)
        fields = read_fields(request)
        if "ticket" in fields:
            return self._take_code(request, fields, words, assets)
        return self._take_password(request, fields, words, assets)

    def go_elsewhere(self, name: str, request: Request, words: Words, assets: Assets) -> Answer | None:
        """To the provider or back from it, None where there is none. Raises SignInRefused, Unavailable."""
        if self._oidc is None or request.method != "GET":
            return None
        if not self._may_sign_in(request):
            return replace(self.ask(request, words, assets), status=403)
        if name == TO_PROVIDER:
            return self._oidc.begin(request)
        return self._oidc.finish(request, words, assets)

    def sign_out(self, visit: Visit) -> Answer:
        """End this browser's session."""
        visit.check_form(read_fields(visit.request))
        self._accounts.sessions.close(session_token(visit.request))
        return see_other(SIGN_IN).adding(forget_session(visit.request))

    def _take_password(self, request: Request, fields: Fields, words: Words, assets: Assets) -> Answer:
        name, password, target = (first(fields, key) for key in ("name", "password", "next"))
        try:
            user = self._accounts.sign_in(name, password, request.address)
        except (SignInRefused, Throttled) as error:
            problem = notice(sign_in_problem(error, words, wrong="signin.wrong"), "bad")
            return _refused(error, self._password_form(words, assets, name=name, target=target, said=problem))
        if user.codes:
            return html(
                _code_form(words, assets, ticket=self._accounts.second_step.ticket(user), target=target)
            )
        return self._enter(request, user, target)

    def _take_code(self, request: Request, fields: Fields, words: Words, assets: Assets) -> Answer:
        ticket, code, target = (first(fields, key) for key in ("ticket", "code", "next"))
        user = self._accounts.second_step.holder(ticket)
        if user is None:
            late = notice(words.say("codes.late"), "bad")
            return html(self._password_form(words, assets, target=target, said=late), 403)
        try:
            self._accounts.second_step.check(user, code, request.address)
        except (SignInRefused, Throttled) as error:
            problem = notice(sign_in_problem(error, words, wrong="codes.wrong"), "bad")
            return _refused(error, _code_form(words, assets, ticket=ticket, target=target, said=problem))
        return self._enter(request, user, target)

    def _enter(self, request: Request, user: User, target: str) -> Answer:
        self._accounts.sessions.close(session_token(request))
        token = self._accounts.open(request, user.name)
        return see_other(local_target(target)).adding(keep_session(request, token))

    def _password_form(
        self, words: Words, assets: Assets, *, name: str = "", target: str = "", said: str = ""
    ) -> str:
        target = local_target(target)
        return words.fill(
            assets.frame("signin"),
            assets=assets.base,
            name=escape(name),
            target=escape(target),
            notice=said,
            elsewhere=self._oidc.link(words, target) if self._oidc else "",
        )

    def _may_sign_in(self, request: Request) -> bool:
        return self._plain_http or is_private(request.environ)


def sign_in_problem(error: FilehostError, words: Words, *, wrong: str) -> str:
    """Why nobody was signed in, in the visitor's language; `wrong` is the key for a wrong secret."""
    if isinstance(error, Throttled):
        return words.say("signin.throttled", n=error.retry_after)
    return words.say(wrong)


def _refused(error: FilehostError, form: str) -> Answer:
    return html(form, status_of(error)).adding(*headers_of(error))


def _code_form(words: Words, assets: Assets, *, ticket: str, target: str, said: str = "") -> str:
    return words.fill(
        assets.frame("code"),
        assets=assets.base,
        ticket=escape(ticket),
        target=escape(local_target(target)),
        notice=said,
    )
