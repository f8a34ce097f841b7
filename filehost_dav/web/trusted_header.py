"""The trusted header: a reverse proxy that has signed somebody in says who, in a header it sets itself.

Anybody can send such a header, so it counts only on connections from listed addresses: the address of
the socket, whatever `Forwarded` and `X-Forwarded-For` say. From anybody else it is taken away unread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from filehost_dav.accounts.users import User
from filehost_dav.errors import SignInRefused
from filehost_dav.web.request import Environ


@dataclass(frozen=True, slots=True)
class TrustedHeader:
    """`trusts` says whether an address (empty: the Unix socket) is listed; `identify` gives the user of
    a name, or raises SignInRefused.
    """

    name: str
    trusts: Callable[[str], bool]
    identify: Callable[[str], User]

    def take(self, environ: Environ) -> User | None:
        """Who is named, if a listed proxy names anybody; the header is gone then. Raises SignInRefused."""
        said = environ.pop("HTTP_" + self.name.upper().replace("-", "_"), "")
        peer = environ["filehost.peer"] if "filehost.peer" in environ else environ["REMOTE_ADDR"]
        if not said or not self.trusts(peer):
            return None
        try:
            return self.identify(said.encode("latin-1").decode())
        except UnicodeDecodeError:
            raise SignInRefused("The name that the proxy gives cannot be read") from None
