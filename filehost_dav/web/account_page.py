"""Signing in and out by a form, the password, and the list of signed-in browsers.

These pages are plain HTML: they work in any browser, with or without scripts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit

from filehost_dav.accounts.sessions import Session, Sessions
from filehost_dav.accounts.users import User
from filehost_dav.errors import FilehostError, SignInRefused, Throttled
from filehost_dav.web.answer import Answer, html, see_other
from filehost_dav.web.assets import Assets
from filehost_dav.web.cookie import forget_session, keep_session, session_token
from filehost_dav.web.devices import Devices
from filehost_dav.web.failures import headers_of, status_of
from filehost_dav.web.forms import Fields, read_fields
from filehost_dav.web.markup import first, notice, time_element
from filehost_dav.web.request import Request
from filehost_dav.web.signin import is_private
from filehost_dav.web.visit import Visit
from filehost_dav.web.words import Words

SIGN_IN: Final = "/.filehost/signin"
ACCOUNT: Final = "/.filehost/account"
SHORTEST_PASSWORD: Final = 8  # characters (NIST SP 800-63B); the rest is the user's affair

SignIn = Callable[[str, str, str], User]
SetPassword = Callable[[str, str], None]


class AccountPage:
    """`sign_in(name, password, address)` raises SignInRefused and Throttled; `set_password(name, new)`."""

    def __init__(
        self,
        sessions: Sessions,
        sign_in: SignIn,
        set_password: SetPassword,
        devices: Devices,
        *,
        plain_http: bool,
    ) -> None:
        self._sessions = sessions
        self._sign_in = sign_in
        self._set_password = set_password
        self._devices = devices
        self._plain_http = plain_http

    def ask(self, request: Request, words: Words, assets: Assets) -> Answer:
        """The sign-in form."""
        said = "" if self._may_sign_in(request) else notice(words.say("signin.tls"), "bad")
        return html(_sign_in_form(words, assets, target=request.argument("next"), said=said))

    def sign_in(self, request: Request, words: Words, assets: Assets) -> Answer:
        """Take the form: a session and on to where the visitor wanted to go, or the form with a reason."""
        if not self._may_sign_in(request):
            return replace(self.ask(request, words, assets), status=403)
        fields = read_fields(request)
        name, password, target = (first(fields, key) for key in ("name", "password", "next"))
        try:
            user = self._sign_in(name, password, request.address)
        except (SignInRefused, Throttled) as error:
            return _refused(error, words, assets, name=name, target=target)
        self._sessions.close(session_token(request))
        token = self._open(request, user.name)
        return see_other(local_target(target)).adding(keep_session(request, token))

    def sign_out(self, visit: Visit) -> Answer:
        """End this browser's session."""
        visit.check_form(read_fields(visit.request))
        self._sessions.close(session_token(visit.request))
        return see_other(SIGN_IN).adding(forget_session(visit.request))

    def show(self, visit: Visit, said: str = "", status: int = 200) -> Answer:
        """The account page; `said` is a notice in HTML."""
        done = f"account.done.{visit.request.argument('done')}"
        if not said and done in visit.words.all:
            said = notice(visit.words.say(done), "good")
        page = visit.fill(
            "account",
            notice=said,
            sessions="".join(self._row(visit, session) for session in self._sessions.of(visit.user.name)),
            devices=self._devices.rows(visit),
            user=escape(visit.user.name),
        )
        return html(page, status)

    def change(self, visit: Visit) -> Answer:
        """Take a form of the account page: a session or an app password to end or make, another password."""
        fields = read_fields(visit.request)
        visit.check_form(fields)
        if revoked := first(fields, "revoke"):
            self._sessions.revoke(visit.user.name, revoked)
            return see_other(f"{ACCOUNT}?done=revoked")
        if forgotten := first(fields, "forget"):
            self._devices.forget(visit, forgotten)
            return see_other(f"{ACCOUNT}?done=forgotten")
        if "device" in fields:
            return self.show(visit, self._devices.add(visit, fields))
        return self._change_password(visit, fields)

    def _change_password(self, visit: Visit, fields: Fields) -> Answer:
        name, request, words = visit.user.name, visit.request, visit.words
        old, new, again = (first(fields, key) for key in ("old", "new", "again"))
        if len(new) < SHORTEST_PASSWORD:
            problem = words.say("account.short", n=SHORTEST_PASSWORD)
            return self.show(visit, notice(problem, "bad"), 400)
        if new != again:
            return self.show(visit, notice(words.say("account.differ"), "bad"), 400)
        try:
            self._sign_in(name, old, request.address)
        except (SignInRefused, Throttled) as error:
            problem = _sign_in_problem(error, words, wrong="account.wrong")
            return self.show(visit, notice(problem, "bad"), status_of(error)).adding(*headers_of(error))
        self._set_password(name, new)
        # Every session ended with the old password; whoever changed it stays signed in.
        self._sessions.revoke_all(name)
        return see_other(f"{ACCOUNT}?done=password").adding(keep_session(request, self._open(request, name)))

    def _may_sign_in(self, request: Request) -> bool:
        return self._plain_http or is_private(request.environ)

    def _open(self, request: Request, user: str) -> str:
        return self._sessions.open(user, agent=request.header("User-Agent"), address=request.address)

    def _row(self, visit: Visit, session: Session) -> str:
        current = visit.request.environ.get("filehost.session")
        words = visit.words
        if current is not None and session.id == current.id:
            action = f"<td>{escape(words.say('account.this'))}</td>"
        else:
            label = escape(words.say("account.revoke"))
            action = f'<td><button name="revoke" value="{session.id}" form="account">{label}</button></td>'
        return (
            f"<tr><td>{escape(browser_name(session.agent))}</td><td>{escape(session.address)}</td>"
            f"<td>{time_element(session.seen)}</td>{action}</tr>"
        )


def local_target(target: str) -> str:
    """`target` where it is a path on this site, else the top folder: no form sends people elsewhere."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return "/"
    return quote(target, safe="/%?&=#!$'()*+,;:@~[]")


def browser_name(agent: str) -> str:
    """The browser and the system of a User-Agent header, as people call them."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), agent.partition(" ")[0] or "?")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser}, {system}" if system else browser


# The more particular mark first: everybody claims to be Safari.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrom", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def _refused(error: FilehostError, words: Words, assets: Assets, *, name: str, target: str) -> Answer:
    problem = notice(_sign_in_problem(error, words, wrong="signin.wrong"), "bad")
    form = _sign_in_form(words, assets, name=name, target=target, said=problem)
    return html(form, status_of(error)).adding(*headers_of(error))


def _sign_in_problem(error: FilehostError, words: Words, *, wrong: str) -> str:
    if isinstance(error, Throttled):
        return words.say("signin.throttled", n=error.retry_after)
    return words.say(wrong)


def _sign_in_form(words: Words, assets: Assets, *, name: str = "", target: str = "", said: str = "") -> str:
    return words.fill(
        assets.frame("signin"),
        assets=assets.base,
        name=escape(name),
        target=escape(local_target(target)),
        notice=said,
    )
