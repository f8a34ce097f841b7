"""Visit: one request of a signed-in user, with everything a handler of the page needs."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filehost_dav.accounts.users import User
from filehost_dav.errors import Refused
from filehost_dav.policy.roles import Policy
from filehost_dav.storage.tree import Tree
from filehost_dav.web.assets import Assets
from filehost_dav.web.request import Request
from filehost_dav.web.words import Words


@dataclass(frozen=True)
class Visit:
    """`token` is what every form of this visitor must carry; `largest` bytes of one file, None: any."""

    request: Request
    user: User
    home: Tree
    policy: Policy
    words: Words
    assets: Assets
    token: str
    largest: int | None

    def check_form(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Raises Refused unless the form was made for this visitor."""
        given = fields.get("token", [""])[0]
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise Refused(self.words.say("error.form"), rule="form")

    def fill(self, frame: str, **markup: str) -> str:
        """One of the page's HTML frames, filled in."""
        return self.words.fill(self.assets.frame(frame), assets=self.assets.base, token=self.token, **markup)
