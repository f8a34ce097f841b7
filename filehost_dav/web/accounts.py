"""Accounts: what the page may do with them, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filehost_dav.accounts.app_passwords import AppPasswords
from filehost_dav.accounts.codes import Codes
from filehost_dav.accounts.second_step import SecondStep
from filehost_dav.accounts.sessions import Sessions
from filehost_dav.accounts.users import User
from filehost_dav.web.request import Request

SignIn = Callable[[str, str, str], User]
SetPassword = Callable[[str, str], None]


@dataclass(frozen=True)
class Accounts:
    """`sign_in(name, password, address)` raises SignInRefused, Throttled; `set_password(name, new)`;
    `issuer` is what a telephone's app calls this server; `directory`: whether whoever has no password
    here may have one in a directory.
    """

    sessions: Sessions
    sign_in: SignIn
    set_password: SetPassword
    app_passwords: AppPasswords
    codes: Codes
    second_step: SecondStep
    issuer: str
    directory: bool = False

    def open(self, request: Request, user: str) -> str:
        """A new session for the browser that sends this request; its token."""
        return self.sessions.open(user, agent=request.header("User-Agent"), address=request.address)
