"""The account page: the password, codes, app passwords, and the list of signed-in browsers.

It is plain HTML: it works in any browser, with or without scripts.
"""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Final

from filehost_dav.accounts.sessions import Session
from filehost_dav.errors import Refused, SignInRefused, Throttled
from filehost_dav.web.accounts import Accounts
from filehost_dav.web.answer import Answer, html, see_other
from filehost_dav.web.code_section import CodeSection
from filehost_dav.web.cookie import keep_session, session_token
from filehost_dav.web.devices import Devices
from filehost_dav.web.failures import headers_of, status_of
from filehost_dav.web.forms import Fields, read_fields
from filehost_dav.web.markup import first, notice, time_element
from filehost_dav.web.signin_page import sign_in_problem
from filehost_dav.web.visit import Visit

ACCOUNT: Final = "/.filehost/account"
SHORTEST_PASSWORD: Final = 8  # characters (NIST SP 800-63B); the rest is the user's affair


class AccountPage:
    """The page of whoever is signed in, and its forms."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._devices = Devices(accounts.app_passwords)
        self._codes = CodeSection(accounts)

    def show(self, visit: Visit, said: str = "", status: int = 200) -> Answer:
        """The account page; `said` is a notice in HTML."""
        done = f"account.done.{visit.request.argument('done')}"
        if not said and done in visit.words.all:
            said = notice(visit.words.say(done), "good")
        sessions = self._accounts.sessions.of(visit.user.name)
        name, by_password = escape(visit.user.name), visit.user.own_password or self._accounts.directory
        page = visit.fill(
            "account",
            notice=said,
            sessions="".join(_row(visit, session) for session in sessions),
            devices=self._devices.rows(visit),
            password=visit.fill("account_password", user=name) if visit.user.own_password else "",
            codes=visit.fill("account_codes", codes=self._codes.show(visit)) if by_password else "",
            user=name,
        )
        return html(page, status)

    def change(self, visit: Visit) -> Answer:
        """Take a form of the account page: a session or an app password, codes, another password."""
        fields = read_fields(visit.request)
        visit.check_form(fields)
        if revoked := first(fields, "revoke"):
            self._accounts.sessions.revoke(visit.user.name, revoked)
            return see_other(f"{ACCOUNT}?done=revoked")
        if forgotten := first(fields, "forget"):
            self._devices.forget(visit, forgotten)
            return see_other(f"{ACCOUNT}?done=forgotten")
        if "device" in fields:
            return self.show(visit, self._devices.add(visit, fields))
        if not visit.user.own_password and not ("codes" in fields and self._accounts.directory):
            raise Refused(visit.words.say("account.elsewhere"), rule="password")
        try:
            if "codes" in fields:
                return self._change_codes(visit, fields)
            return self._change_password(visit, fields)
        except (SignInRefused, Throttled) as error:
            wrong = "codes.proof.wrong" if "codes" in fields else "account.wrong"
            problem = sign_in_problem(error, visit.words, wrong=wrong)
            return self.show(visit, notice(problem, "bad"), status_of(error)).adding(*headers_of(error))

    def _change_codes(self, visit: Visit, fields: Fields) -> Answer:
        change = first(fields, "codes")
        if change == "begin":
            self._codes.begin(visit, fields)
            return see_other(f"{ACCOUNT}#codes-title")
        if change == "end":
            self._codes.end(visit, fields)
            return see_other(f"{ACCOUNT}?done=codes.end")
        recovery = self._codes.confirm(visit, fields)
        if recovery is None:
            return self.show(visit, notice(visit.words.say("codes.wrong"), "bad"), 403)
        self._accounts.sessions.revoke_others(visit.user.name, session_token(visit.request))
        return self.show(replace(visit, user=replace(visit.user, codes=True)), recovery)

    def _change_password(self, visit: Visit, fields: Fields) -> Answer:
        name, words = visit.user.name, visit.words
        old, new, again = (first(fields, key) for key in ("old", "new", "again"))
        if len(new) < SHORTEST_PASSWORD:
            problem = words.say("account.short", n=SHORTEST_PASSWORD)
            return self.show(visit, notice(problem, "bad"), 400)
        if new != again:
            return self.show(visit, notice(words.say("account.differ"), "bad"), 400)
        self._accounts.sign_in(name, old, visit.request.address)
        self._accounts.set_password(name, new)
        # Every session ended with the old password; whoever changed it stays signed in.
        self._accounts.sessions.revoke_all(name)
        token = self._accounts.open(visit.request, name)
        return see_other(f"{ACCOUNT}?done=password").adding(keep_session(visit.request, token))


def _row(visit: Visit, session: Session) -> str:
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
