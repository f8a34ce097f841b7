"""Codes on the account page: turned on with the password and a first code, off with either.

The key is shown as text and as a picture until the first code confirms it, and never again; the
recovery codes are shown once, in the answer that turns codes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from filehost_dav.accounts.codes import looks_like_code
from filehost_dav.errors import Exists, NotFound
from filehost_dav.web.accounts import Accounts
from filehost_dav.web.forms import Fields
from filehost_dav.web.markup import first
from filehost_dav.web.visit import Visit


@dataclass(frozen=True)
class CodeSection:
    """The codes of whoever visits."""

    accounts: Accounts

    def show(self, visit: Visit) -> str:
        """What can be done now, as HTML."""
        name = visit.user.name
        if visit.user.codes:
            left = visit.words.count("codes.left", self.accounts.codes.left(name))
            return visit.fill("codes_on", left=escape(left))
        secret = self.accounts.codes.begun(name)
        if secret is None:
            return visit.fill("codes_off", user=escape(name))
        uri = self.accounts.codes.uri(secret, name, self.accounts.issuer)
        return visit.fill("codes_begun", picture=_picture(uri), secret=_in_groups(secret))

    def begin(self, visit: Visit, fields: Fields) -> None:
        """Draw a key. Raises SignInRefused and Throttled unless the password is right."""
        self.accounts.sign_in(visit.user.name, first(fields, "password"), visit.request.address)
        try:
            self.accounts.codes.begin(visit.user.name)
        except Exists:  # in another window, meanwhile
            return

    def confirm(self, visit: Visit, fields: Fields) -> str | None:
        """Turn codes on; the notice with the recovery codes, None for a wrong code."""
        recovery = self.accounts.codes.confirm(visit.user.name, first(fields, "code"))
        if recovery is None:
            return None
        said = escape(visit.words.say("codes.recovery"))
        items = "".join(f'<li><code class="secret">{code}</code></li>' for code in recovery)
        return f'<div class="notice good" role="status">{said}<ul class="recovery">{items}</ul></div>'

    def end(self, visit: Visit, fields: Fields) -> None:
        """Turn codes off. Raises SignInRefused and Throttled unless the password or the code is right."""
        name, proof, address = visit.user.name, first(fields, "proof"), visit.request.address
        if looks_like_code(proof):
            self.accounts.second_step.check(visit.user, proof, address)
        else:
            self.accounts.sign_in(name, proof, address)
        try:
            self.accounts.codes.end(name)
        except NotFound:  # in another window, meanwhile
            return


def _picture(text: str) -> str:
    """A QR code as SVG."""
    import segno  # noqa: PLC0415 - few visits need it, and every start would pay for it

    return str(segno.make(text, error="m", micro=False).svg_inline(omitsize=True, light="#fff", svgclass=None))


def _in_groups(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
