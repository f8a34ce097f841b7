"""Vouched: users whom somebody else has identified, a proxy, a provider or a directory.

They may have no password here. Somebody without an account is refused, or gets one where the
operator has said so.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from filehost_dav.accounts.names import is_user_name
from filehost_dav.accounts.passwords import NO_PASSWORD
from filehost_dav.accounts.users import User, Users
from filehost_dav.errors import Exists, SignInRefused


@dataclass(frozen=True, slots=True)
class Vouched:
    """`make`: whether an account is made for whoever has none."""

    users: Users
    make: bool

    def user(self, name: str) -> User:
        """The user of that name. Raises SignInRefused when there is none, or it is disabled."""
        account = self.users.find(name)
        if account is None and self.make and is_user_name(name):
            with contextlib.suppress(Exists):  # at the same moment in another process, or in another case
                self.users.add(User(name), NO_PASSWORD)
            account = self.users.find(name)
        if account is None or account.user.disabled:
            raise SignInRefused("There is no account for you here: ask the server's operator")
        return account.user
