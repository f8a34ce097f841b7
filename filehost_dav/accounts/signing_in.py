"""Signing in: a name and a password become a Login, or SignInRefused.

A new password, a disabled or removed account, a revoked app password count at once in every
process. Whoever is remembered is never throttled; whoever is not and fails too often waits. The
same wrong password again is no new guess: a telephone that does not know of the new password yet
does not keep its owner's other devices out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from filehost_dav.accounts.app_passwords import AppPassword, AppPasswords
from filehost_dav.accounts.memory import Memory
from filehost_dav.accounts.names import one_spelling
from filehost_dav.accounts.passwords import NO_PASSWORD, Passwords
from filehost_dav.accounts.throttle import Throttle
from filehost_dav.accounts.users import Account, User, Users
from filehost_dav.errors import SignInRefused

if TYPE_CHECKING:
    from filehost_dav.accounts.directory import Directory


@dataclass(frozen=True, slots=True)
class Login:
    """Who signed in, and by which app password; None is the account's own password."""

    user: User
    by: AppPassword | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a secret was found to be: right for this user or wrong (None), while `stored` stays the same.

    `stored` is the account's hash, None where there is no account.
    """

    name: str
    stored: str | None
    user: User | None


class SigningIn:
    """The door to the accounts."""

    def __init__(
        self,
        users: Users,
        passwords: Passwords,
        app_passwords: AppPasswords,
        throttle: Throttle,
        *,
        right: Memory[Proof],
        wrong: Memory[Proof],
        directory: Directory | None = None,
    ) -> None:
        """`right` and `wrong` are two memories, so that guessing does not push the right ones out.

        `directory` knows the passwords of whoever has none here.
        """
        self._users = users
        self._passwords = passwords
        self._app_passwords = app_passwords
        self._throttle = throttle
        self._right = right
        self._wrong = wrong
        self._directory = directory

    def with_password(self, name: str, password: str, address: str) -> Login:
        """By the account's password or one of its app passwords.

        Raises SignInRefused, the same for an unknown user, a wrong password and a disabled account;
        Throttled; Unavailable.
        """
        login = self._by_app_password(password, address)
        if login is not None and login.user.name == one_spelling(name):
            return login
        return Login(self.with_account_password(name, password, address))

    def with_account_password(self, name: str, password: str, address: str) -> User:
        """By the account's own password only: what may change the account. Raises as `with_password`."""
        secret = f"{len(name)}:{name}{password}"  # the length keeps ("ab", "c") and ("a", "bc") apart
        proof = self._recall(secret)
        if proof is None:
            self._throttle.check(name, address)
            with self._right.turn(secret):
                proof = self._recall(secret) or self._prove(name, password, address)
                (self._wrong if proof.user is None else self._right).keep(secret, proof)
        if proof.user is None:
            raise SignInRefused(_MESSAGE)
        return proof.user

    def with_token(self, token: str, address: str) -> Login:
        """By an app password alone (Bearer). Raises SignInRefused."""
        login = self._by_app_password(token, address)
        if login is None:
            raise SignInRefused("This token opens nothing")
        return login

    def _by_app_password(self, secret: str, address: str) -> Login | None:
        found = self._app_passwords.find(secret)
        account = self._users.find(found.owner) if found else None
        if found is None or account is None or account.user.disabled:
            return None
        self._app_passwords.note_use(found, address)
        return Login(account.user, found)

    def _recall(self, secret: str) -> Proof | None:
        return self._right.recall(secret, self._confirm) or self._wrong.recall(secret, self._confirm)

    def _confirm(self, proof: Proof) -> Proof | None:
        account = self._users.find(proof.name)
        if (account.password if account else None) != proof.stored:
            return None
        if proof.user is None or account is None:
            return proof
        # Whoever is enabled again is let in at once, so a refusal of the disabled is not remembered.
        return None if account.user.disabled else replace(proof, user=account.user)

    def _prove(self, name: str, password: str, address: str) -> Proof:
        with self._passwords.turn():
            # Again: those who waited here were let in before the others failed.
            self._throttle.check(name, address)
            account = self._users.find(name)
            stored = account.password if account else None
            right, replacement = self._passwords.verify(password, stored)
        user = account.user if account and right else self._ask_directory(name, password, account)
        if user is None:
            self._throttle.failed(name, address)
            return Proof(name, stored, None)
        if user.disabled:
            self._throttle.failed(name, address)
            raise SignInRefused(_MESSAGE)
        if not user.codes:  # else the failures end with a right code
            self._throttle.succeeded(name, address)
        if account and replacement is not None:
            self._users.replace_password(name, account.password, replacement)
        return Proof(name, replacement or (stored if right else NO_PASSWORD), user)

    def _ask_directory(self, name: str, password: str, account: Account | None) -> User | None:
        if self._directory is None:
            return None
        if account is not None and account.user.own_password:
            self._directory.pretend()  # it is not asked for this password, and the time does not tell
            return None
        return self._directory.user(name, password)


_MESSAGE: Final = "The user name or the password is wrong"
