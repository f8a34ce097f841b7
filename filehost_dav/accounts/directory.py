"""Directory: users whose passwords an LDAP server knows. The only code that knows ldap3.

A password is tried by binding as the entry that the filter finds for the name; without one the same
work is done with an entry that cannot be, so that time does not tell who is there. An empty password
is never tried: a directory takes it for an anonymous visitor and says yes (RFC 4513 section 5.1.2).
"""

from __future__ import annotations

import logging
import secrets
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filehost_dav.accounts.names import is_user_name
from filehost_dav.accounts.users import User
from filehost_dav.accounts.vouched import Vouched
from filehost_dav.errors import Unavailable

if TYPE_CHECKING:
    from ldap3 import Connection

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 8  # conversations of this process with the directory
_REST: Final = 5  # seconds in which a directory that is down is not asked again
_SUCCESS: Final = 0  # RFC 4511 section 4.1.9
_BUSY: Final = (51, 52)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the directory is and who is looked for: `filter` holds `{user}`. `seconds` is for each step.

    `dn` and `password` are of an entry that may search; empty for an anonymous search.
    """

    url: str
    base: str
    filter: str = "(uid={user})"
    dn: str = ""
    password: str = ""
    starttls: bool = True
    authorities: Path | None = None
    seconds: int = 5


class Directory:
    """`clock` gives seconds that never go back."""

    def __init__(self, place: Place, vouched: Vouched, clock: Callable[[], float]) -> None:
        self._place = place
        self._vouched = vouched
        self._clock = clock
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._asked_again = 0.0

    def user(self, name: str, password: str) -> User | None:
        """The user, None for a wrong password. Raises SignInRefused for whoever has no account, Unavailable."""
        if not self._is_right(name, password) or not password or not is_user_name(name):
            return None
        return self._vouched.user(name)

    def pretend(self) -> None:
        """The work of a wrong password, for an account whose password is kept here. Raises Unavailable."""
        self._is_right("", secrets.token_urlsafe())

    def _is_right(self, name: str, password: str) -> bool:
        if self._clock() < self._asked_again or not self._turns.acquire(timeout=self._place.seconds):
            raise _unavailable()
        try:
            return self._conversation(name, password)
        except Unavailable:
            self._asked_again = self._clock() + _REST
            raise
        finally:
            self._turns.release()

    def _conversation(self, name: str, password: str) -> bool:
        from ldap3.core.exceptions import LDAPException  # noqa: PLC0415 - an extra, loaded with the first sign-in

        try:
            connection = self._connection()
            try:
                found = self._found(connection, name if is_user_name(name) else secrets.token_hex(8))
                tried = password if found and password else secrets.token_urlsafe()
                return _bind(connection, found or f"cn={secrets.token_hex(8)},{self._place.base}", tried)
            finally:
                connection.unbind()
        except (LDAPException, OSError) as error:
            # The text of the library may hold what was sent: the kind of error is enough.
            _log.error("The directory does not answer: %s", type(error).__name__)
            raise _unavailable() from error

    def _connection(self) -> Connection:
        """Open, private where it is to be, and signed in for the search."""
        from ldap3 import NONE, SYNC, Connection, Server, Tls  # noqa: PLC0415

        place = self._place
        authorities = str(place.authorities) if place.authorities else None
        tls = Tls(validate=ssl.CERT_REQUIRED, version=ssl.PROTOCOL_TLS_CLIENT, ca_certs_file=authorities)
        server = Server(place.url, tls=tls, get_info=NONE, connect_timeout=place.seconds)
        connection = Connection(
            server,
            user=place.dn or None,
            password=place.password or None,
            client_strategy=SYNC,
            receive_timeout=place.seconds,
            auto_referrals=False,
            read_only=True,
            raise_exceptions=False,
        )
        try:
            self._make_ready(connection)
        except BaseException:
            connection.unbind()
            raise
        return connection

    def _make_ready(self, connection: Connection) -> None:
        place = self._place
        connection.open()
        if place.starttls and not connection.server.ssl and not connection.start_tls():
            raise _unavailable()
        if not _bind(connection, place.dn, place.password):
            _log.error("The directory refuses ldap.bind_dn")
            raise _unavailable()

    def _found(self, connection: Connection, name: str) -> str | None:
        """The entry of that name, if there is exactly one."""
        from ldap3 import SUBTREE  # noqa: PLC0415
        from ldap3.utils.conv import escape_filter_chars  # noqa: PLC0415

        place = self._place
        wanted = place.filter.replace("{user}", escape_filter_chars(name))
        connection.search(place.base, wanted, SUBTREE, attributes=["1.1"], size_limit=2)
        entries = [entry["dn"] for entry in connection.response or () if entry.get("type") == "searchResEntry"]
        if len(entries) > 1:
            _log.warning("The directory has several entries for one name: ldap.filter must find one")
        return entries[0] if len(entries) == 1 else None


def _bind(connection: Connection, dn: str, password: str) -> bool:
    """Whether the directory takes this. Raises Unavailable when it is too busy to say."""
    if dn:
        connection.rebind(user=dn, password=password)
    else:
        connection.bind()
    result: dict[str, Any] = connection.result or {}
    if result.get("result") in _BUSY:
        raise _unavailable()
    return bool(result.get("result") == _SUCCESS)


def _unavailable() -> Unavailable:
    return Unavailable("The directory does not answer, try again in a moment", retry_after=10)
