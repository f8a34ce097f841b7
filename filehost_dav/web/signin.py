"""The sign-in gate: no request passes without a user, except OPTIONS without credentials.

Clients ask OPTIONS before they know that a password is needed, Windows on every folder above the
mount, and Word with an empty `Authorization: Bearer`; both count as no credentials at all. A header
that cannot be read is a refused sign-in, never an error of the server. Over plain HTTP passwords
are taken from this machine only, unless the operator says otherwise.
"""

from __future__ import annotations

import binascii
import ipaddress
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from filehost_dav.accounts.signing_in import Login, SigningIn
from filehost_dav.errors import SignInRefused, Throttled, Unavailable
from filehost_dav.web.refusal import refuse, retry_after

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a password from an Authorization header."""

    name: str
    password: str


class Gate:
    """WSGI middleware: sets `filehost.user` or answers."""

    def __init__(
        self, application: WSGIApplication, door: SigningIn, *, realm: str, plain_http: bool, own: bool = True
    ) -> None:
        """`plain_http`: whether passwords may come without TLS from other machines; `own`: whether the
        account's own password opens WebDAV, and not app passwords alone.
        """
        self._application = application
        self._door = door
        self._challenge = [("WWW-Authenticate", f'Basic realm="{_quotable(realm)}", charset="UTF-8"')]
        self._plain_http = plain_http
        self._own = own

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if "filehost.user" in environ:  # a browser's session
            return self._application(environ, start_response)
        header = environ.get("HTTP_AUTHORIZATION", "").strip()
        if header.casefold() in ("", "bearer"):
            if environ["REQUEST_METHOD"] == "OPTIONS":
                return self._application(environ, start_response)
            return refuse(environ, start_response, _SIGN_IN, _ASK, self._challenge)
        if not (self._plain_http or is_private(environ)):
            return refuse(environ, start_response, "403 HTTPS is needed", _NEEDS_TLS)
        return self._signed_in(header, environ, start_response)

    def _signed_in(
        self, header: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            login = self._login(header, environ.get("REMOTE_ADDR", ""))
        except SignInRefused as error:
            return refuse(environ, start_response, _SIGN_IN, error.message, self._challenge)
        except Throttled as error:
            wait = retry_after(error.retry_after)
            return refuse(environ, start_response, "429 Too many failed sign-ins", error.message, wait)
        except Unavailable as error:
            wait = retry_after(error.retry_after)
            return refuse(environ, start_response, "503 Try again", error.message, wait)
        environ["filehost.user"] = login.user
        environ["filehost.login"] = login
        environ["wsgidav.auth.user_name"] = login.user.name
        return self._application(environ, start_response)

    def _login(self, header: str, address: str) -> Login:
        scheme, _, token = header.partition(" ")
        if scheme.casefold() == "bearer":
            return self._door.with_token(token.strip(), address)
        given = read_basic(header)
        login = self._door.with_password(given.name, given.password, address)
        if login.by is None and login.user.codes:
            raise SignInRefused(_CODES)
        if login.by is None and not self._own:
            raise SignInRefused("Here only app passwords open files: make one for this device")
        return login


def read_basic(header: str) -> Basic:
    """The name and the password of a Basic header (RFC 7617). Raises SignInRefused.

    UTF-8 is what we ask for; some clients send Latin-1 all the same.
    """
    scheme, _, encoded = header.partition(" ")
    try:
        raw = b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    if scheme.casefold() != "basic" or not colon:
        raise SignInRefused("The Authorization header cannot be read")
    return Basic(name, password)


_SIGN_IN: Final = "401 Sign in"
_ASK: Final = "Sign in with a user name and a password"
_CODES: Final = (
    "This account signs in with a code, which drives and programs cannot show: make an app password for this "
    "device, on the account page or with filehost-dav app-password add"
)
_NEEDS_TLS: Final = (
    "Passwords are not taken over plain HTTP from another machine. Use https://, or let the server's "
    'operator set accounts.plain_http = "anywhere" where the network is trusted'
)


def is_private(environ: WSGIEnvironment) -> bool:
    """Whether nobody on the way can read this request: it came by TLS, or from this very machine."""
    if environ.get("wsgi.url_scheme") == "https":
        return True
    return _is_this_machine(environ.get("REMOTE_ADDR", ""))


@lru_cache(maxsize=1024)
def _is_this_machine(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return not text  # a local socket has no address
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _quotable(text: str) -> str:
    return "".join(character for character in text if character not in '"\\' and character.isprintable())
