"""App passwords on the account page: one for each drive, telephone or sync program.

A secret is shown once, in the answer that makes it; nothing of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from filehost_dav.accounts.app_passwords import AppPassword, AppPasswords
from filehost_dav.errors import Exists, NotFound
from filehost_dav.web.forms import Fields
from filehost_dav.web.markup import first, notice, time_element
from filehost_dav.web.visit import Visit


@dataclass(frozen=True)
class Devices:
    """The app passwords of whoever visits."""

    app_passwords: AppPasswords

    def rows(self, visit: Visit) -> str:
        """The rows of the table: what is there, and a button that ends it."""
        found = self.app_passwords.of(visit.user.name)
        return "".join(_row(visit, one) for one in found) or _nothing(visit)

    def add(self, visit: Visit, fields: Fields) -> str:
        """Make one by the form; the notice that shows its secret, or why there is none."""
        words, name = visit.words, first(fields, "device").strip()
        if not name:
            return notice(words.say("name.empty"), "bad")
        try:
            secret = self.app_passwords.add(visit.user.name, name, read_only="read_only" in fields)
        except Exists:
            return notice(words.say("name.taken"), "bad")
        said = escape(words.say("devices.made", name=name))
        return f'<p class="notice good" role="status">{said}<br><code class="secret">{secret}</code></p>'

    def forget(self, visit: Visit, identity: str) -> None:
        """End one. An unknown one has ended already."""
        try:
            self.app_passwords.revoke(visit.user.name, identity)
        except NotFound:
            return


def _row(visit: Visit, one: AppPassword) -> str:
    words = visit.words
    bounds = [words.say("devices.readonly")] if one.read_only else []
    if one.folder is not None:
        bounds.append(str(one.folder))
    used = time_element(one.used) if one.used is not None else escape(words.say("devices.never"))
    label = escape(words.say("devices.end"))
    described = escape(words.say("devices.end.name", name=one.name))
    return (
        f'<tr><td>{escape(one.name)}<br><span class="small">{escape(", ".join(bounds))}</span></td>'
        f'<td>{used}</td><td><button name="forget" value="{escape(one.id)}" form="account"'
        f' aria-label="{described}">{label}</button></td></tr>'
    )


def _nothing(visit: Visit) -> str:
    return f'<tr><td colspan="3">{escape(visit.words.say("devices.none"))}</td></tr>'
