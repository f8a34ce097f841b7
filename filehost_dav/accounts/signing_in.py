"""Signing in: a name and a password become a User, or SignInRefused.

A password that was verified is remembered for minutes as a keyed digest, in this process's memory
only, so that its hash is not computed for every request. What is remembered is checked against the
account whenever the database has changed: a new password, a disabled or a removed account counts
at once, in every process.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from filehost_dav.accounts.passwords import Passwords
from filehost_dav.accounts.users import Account, User, Users
from filehost_dav.errors import SignInRefused

_REMEMBERED: Final = 10_000  # logins per process


@dataclass(frozen=True, slots=True)
class _Login:
    account: Account
    expires: float
    generation: int | None


class SigningIn:
    """The door. `key` is secret and lives as long as the process; `clock` gives seconds."""

    def __init__(
        self,
        users: Users,
        passwords: Passwords,
        *,
        generation: Callable[[], int | None],
        key: bytes,
        clock: Callable[[], float],
        remember: int,
    ) -> None:
        """`generation` is the database's; `remember` is in seconds."""
        self._users = users
        self._passwords = passwords
        self._generation = generation
        self._key = key
        self._clock = clock
        self._remember = remember
        self._logins: OrderedDict[bytes, _Login] = OrderedDict()
        self._lock = threading.Lock()

    def with_password(self, name: str, password: str) -> User:
        """Raises SignInRefused, the same for an unknown user, a wrong password and a disabled account."""
        digest = self._digest(name, password)
        generation = self._generation()
        account = self._recall(digest, generation) or self._verify(name, password)
        if account.user.disabled:
            raise SignInRefused(_REFUSED)
        return account.user

    def _recall(self, digest: bytes, generation: int | None) -> Account | None:
        login = self._logins.get(digest)
        if login is None or login.expires <= self._clock():
            return None
        if generation is not None and login.generation == generation:
            return login.account
        account = self._users.find(login.account.user.name)
        if account is None or account.password != login.account.password:
            self._logins.pop(digest, None)
            return None
        self._logins[digest] = replace(login, account=account, generation=generation)
        return account

    def _verify(self, name: str, password: str) -> Account:
        generation = self._generation()
        account = self._users.find(name)
        right, replacement = self._passwords.verify(password, account.password if account else None)
        if account is None or not right:
            raise SignInRefused(_REFUSED)
        if replacement is not None:
            self._users.replace_password(name, account.password, replacement)
            account = replace(account, password=replacement)
        self._keep(self._digest(name, password), account, generation)
        return account

    def _keep(self, digest: bytes, account: Account, generation: int | None) -> None:
        with self._lock:
            self._logins[digest] = _Login(account, self._clock() + self._remember, generation)
            while len(self._logins) > _REMEMBERED:
                self._logins.popitem(last=False)

    def _digest(self, name: str, password: str) -> bytes:
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        message = f"{len(name)}:{name}{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(message, key=self._key, digest_size=32).digest()


_REFUSED: Final = "The user name or the password is wrong"
