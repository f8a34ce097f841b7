"""Signing in at a provider: off to it, and back with a code that becomes a session.

The browser that comes back must be the one that left: a sealed cookie says so, which the provider's
redirect brings along (SameSite=Lax). The way on is a page of ours, because the session's cookie
(SameSite=Strict) would not be sent along a redirect that began on the provider's site.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import quote

from filehost_dav.accounts.oidc.provider import Provider
from filehost_dav.accounts.oidc.used import UsedStates
from filehost_dav.accounts.sealed import Seal
from filehost_dav.accounts.users import User
from filehost_dav.errors import Refused, SignInRefused
from filehost_dav.web.accounts import Accounts
from filehost_dav.web.answer import Answer, html, see_other
from filehost_dav.web.assets import Assets
from filehost_dav.web.cookie import keep_session
from filehost_dav.web.request import Request
from filehost_dav.web.targets import FROM_PROVIDER, TO_PROVIDER, local_target
from filehost_dav.web.words import Words

STATE_HOLDS: Final = 600  # seconds to sign in at the provider
_COOKIE: Final = "filehost-oidc"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignOn:
    """`name` is what people call the provider; `identify` gives a name's user, or raises SignInRefused."""

    provider: Provider
    used: UsedStates
    identify: Callable[[str], User]
    name: str


class OidcPage:
    """Both ends of the way to the provider."""

    def __init__(
        self, sign_on: SignOn, accounts: Accounts, key: bytes, clock: Callable[[], float] = time.time
    ) -> None:
        self._sign_on = sign_on
        self._clock = clock
        self._accounts = accounts
        self._seal = Seal(key, "oidc")

    def link(self, words: Words, target: str) -> str:
        """For the sign-in page, as HTML."""
        label = escape(words.say("signin.elsewhere", name=self._sign_on.name))
        address = f"/.filehost/{TO_PROVIDER}?next={quote(target, safe='')}"
        return f'<p><a class="button" href="{address}">{label}</a></p>'

    def begin(self, request: Request) -> Answer:
        """Off to the provider. Raises Unavailable."""
        state = secrets.token_urlsafe(32)
        address = self._sign_on.provider.address(state, _back(request))
        target = local_target(request.argument("next"))
        sealed = self._seal.close(f"{state}\n{target}", int(self._clock()) + STATE_HOLDS)
        return see_other(address).adding(_cookie(request, sealed, STATE_HOLDS))

    def finish(self, request: Request, words: Words, assets: Assets) -> Answer:
        """A session for who comes back. Raises SignInRefused, Unavailable."""
        try:
            state, target = self._left(request)
            user = self._identified(request, state)
        except SignInRefused as error:
            _log.warning(
                "Sign-in at the provider refused from %s: %s", request.address or "local", error.message
            )
            raise
        token = self._accounts.open(request, user.name)
        page = words.fill(assets.frame("onward"), target=escape(target), assets=assets.base)
        return html(page).adding(keep_session(request, token), _cookie(request, "", 0))

    def _left(self, request: Request) -> tuple[str, str]:
        """The state and the target with which this browser left."""
        text = self._seal.open(request.cookies.get(_cookie_name(request), ""), self._clock())
        state, _, target = (text or "").partition("\n")
        given = request.argument("state").encode("utf-8", "surrogatepass")
        if not state or not hmac.compare_digest(state.encode(), given):
            raise SignInRefused("This sign-in took too long, or began in another browser: begin again")
        return state, target

    def _identified(self, request: Request, state: str) -> User:
        sign_on, code = self._sign_on, request.argument("code")
        if request.argument("iss") not in ("", sign_on.provider.issuer):  # RFC 9207
            raise SignInRefused("Another provider has answered")
        if request.argument("error") or not code:
            raise SignInRefused("The provider did not sign you in")
        name = sign_on.provider.identify(code, state, _back(request))
        sign_on.used.use(state)
        return sign_on.identify(name)


def _back(request: Request) -> str:
    host = request.header("Host")
    if not host:
        raise Refused("The request does not say which server it is for", rule="host")
    return f"{'https' if request.is_secure else 'http'}://{host}/.filehost/{FROM_PROVIDER}"


def _cookie(request: Request, value: str, seconds: int) -> tuple[str, str]:
    secure = "; Secure" if request.is_secure else ""
    text = f"{_cookie_name(request)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return ("Set-Cookie", text)


def _cookie_name(request: Request) -> str:
    return f"__Host-{_COOKIE}" if request.is_secure else _COOKIE
