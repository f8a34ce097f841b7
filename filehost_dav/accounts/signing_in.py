"""Signing in: a name and a password become a Login, or SignInRefused.

A new password, a disabled or removed account, a revoked app password count at once in every
process. Whoever is remembered is never throttled; whoever is not and fails too often waits.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from typing import Final

from filehost_dav.accounts.app_passwords import AppPassword, AppPasswords
from filehost_dav.accounts.memory import Memory
from filehost_dav.accounts.passwords import Passwords
from filehost_dav.accounts.throttle import Throttle
from filehost_dav.accounts.users import User, Users
from filehost_dav.errors import SignInRefused

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """Who signed in, and by which app password; None is the account's own password."""

    user: User
    by: AppPassword | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a secret has proven: this login, while the stored password stays the same."""

    login: Login
    stored: str


class SigningIn:
    """The door to the accounts."""

    def __init__(
        self,
        users: Users,
        passwords: Passwords,
        app_passwords: AppPasswords,
        throttle: Throttle,
        memory: Memory[Proof],
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._app_passwords = app_passwords
        self._throttle = throttle
        self._memory = memory

    def with_password(self, name: str, password: str, address: str) -> Login:
        """By the account's password or one of its app passwords.

        Raises SignInRefused, the same for an unknown user, a wrong password and a disabled account;
        Throttled; Unavailable.
        """
        login = self._by_app_password(password, address)
        if login is not None and login.user.name == name:
            return login
        return Login(self.with_account_password(name, password, address))

    def with_account_password(self, name: str, password: str, address: str) -> User:
        """By the account's own password only: what may change the account. Raises as `with_password`."""
        secret = f"{len(name)}:{name}{password}"  # the length keeps ("ab", "c") and ("a", "bc") apart
        proof = self._memory.recall(secret, self._confirm)
        if proof is None:
            self._throttle.check(name, address)
            with self._memory.turn(secret):
                proof = self._memory.recall(secret, self._confirm) or self._prove(name, password, address)
                self._memory.keep(secret, proof)
        return proof.login.user

    def with_token(self, token: str, address: str) -> Login:
        """By an app password alone (Bearer). Raises SignInRefused."""
        login = self._by_app_password(token, address)
        if login is None:
            raise _refused("", address)
        return login

    def _by_app_password(self, secret: str, address: str) -> Login | None:
        found = self._app_passwords.find(secret)
        account = self._users.find(found.owner) if found else None
        if found is None or account is None or account.user.disabled:
            return None
        self._app_passwords.note_use(found, address)
        return Login(account.user, found)

    def _confirm(self, proof: Proof) -> Proof | None:
        account = self._users.find(proof.login.user.name)
        if account is None or account.password != proof.stored or account.user.disabled:
            return None
        return replace(proof, login=Login(account.user))

    def _prove(self, name: str, password: str, address: str) -> Proof:
        with self._passwords.turn():
            # Again: those who waited here were let in before the others failed.
            self._throttle.check(name, address)
            account = self._users.find(name)
            right, replacement = self._passwords.verify(password, account.password if account else None)
        if account is None or not right or account.user.disabled:
            self._throttle.failed(name, address)
            raise _refused(name, address)
        self._throttle.succeeded(name, address)
        if replacement is not None:
            self._users.replace_password(name, account.password, replacement)
        return Proof(Login(account.user), replacement or account.password)


def _refused(name: str, address: str) -> SignInRefused:
    # fail2ban reads this line: the address stands before anything that the client chose.
    _log.warning("Sign-in refused from %s for user %s", address or "local", json.dumps(name[:_LONGEST_NAMED]))
    return SignInRefused("The user name or the password is wrong")


_LONGEST_NAMED: Final = 100  # characters of a made-up name worth a place in the log
