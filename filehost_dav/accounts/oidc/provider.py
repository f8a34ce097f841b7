"""Provider: where people are sent to sign in, and who they are when they come back with a code.

Nothing about a sign-in is kept meanwhile: nonce and PKCE verifier follow from the state and the
server's key. What the provider publishes about itself is read anew every hour, and its keys whenever
a token is signed by one that is not known.
"""

from __future__ import annotations

import hmac
import logging
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from filehost_dav.accounts.oidc.client import Client
from filehost_dav.accounts.oidc.fetching import Fetcher, Reply
from filehost_dav.accounts.oidc.tokens import check_claims, name_in, read_token
from filehost_dav.errors import SignInRefused, Unavailable

_log = logging.getLogger(__name__)
_FRESH: Final = 3600  # seconds
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Provider:
    """`key` is secret and the same in all of this server's processes; `clock` gives seconds since the epoch."""

    def __init__(self, client: Client, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self.issuer = client.issuer
        self._client = client
        self._fetcher = Fetcher(client.seconds)
        self._key = key
        self._clock = clock
        self._read: dict[str, tuple[float, dict[str, Any]]] = {}

    def address(self, state: str, back: str) -> str:
        """Where to send somebody, who comes back to the address `back`. Raises Unavailable."""
        fields = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": back,
            "scope": " ".join(self._client.scopes),
            "state": state,
            "nonce": self._derived("nonce", state),
            "code_challenge": _base64(sha256(self._derived("verifier", state).encode()).digest()),
            "code_challenge_method": "S256",
        }
        endpoint = str(self._about()["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(fields)}"

    def identify(self, code: str, state: str, back: str) -> str:
        """The name here of who came back with this code. Raises SignInRefused, Unavailable."""
        tokens = self._tokens(code, state, back)
        claims = self._verified(str(tokens.get("id_token", "")))
        check_claims(claims, self._client, self._derived("nonce", state), self._clock())
        return name_in(self._completed(claims, str(tokens.get("access_token", ""))), self._client)

    def _tokens(self, code: str, state: str, back: str) -> dict[str, Any]:
        about, client = self._about(), self._client
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": self._derived("verifier", state),
        }
        headers = {}
        methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if client.secret and "client_secret_basic" in methods:
            pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"  # RFC 6749 section 2.3.1
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": client.id} | ({"client_secret": client.secret} if client.secret else {})
        reply = self._fetcher.post(about["token_endpoint"], fields, headers)
        if reply.status == 200:
            return reply.content
        _log.warning("The sign-in provider gave no token: %d %s", reply.status, _reason(reply))
        if reply.status >= 500 or reply.content.get("error") == "invalid_client":
            raise Unavailable("The sign-in provider does not work with this server now", retry_after=60)
        raise SignInRefused("The provider did not accept this sign-in: begin again")

    def _verified(self, token: str) -> dict[str, Any]:
        url = str(self._about()["jwks_uri"])
        claims = read_token(token, self._fetched(url))
        read = self._read.get(url)
        if claims is None and (read is None or self._clock() - read[0] >= 1):  # a key that is new
            self._read.pop(url, None)
            claims = read_token(token, self._fetched(url))
        if claims is None:
            raise SignInRefused("The provider's answer cannot be believed: its token is not signed by it")
        return claims

    def _completed(self, claims: dict[str, Any], access: str) -> dict[str, Any]:
        """With what the provider tells only when asked (`userinfo_endpoint`), where that is needed."""
        needed = {self._client.claim, *([self._client.group_claim] if self._client.group else [])}
        endpoint = self._about().get("userinfo_endpoint")
        if needed <= claims.keys() or not endpoint or not access:
            return claims
        reply = self._fetcher.get(endpoint, {"Authorization": f"Bearer {access}"})
        if reply.status != 200 or reply.content.get("sub") != claims["sub"]:  # section 5.3.2
            raise SignInRefused("The provider does not say who you are")
        return {**reply.content, **claims}

    def _about(self) -> dict[str, Any]:
        """What the provider publishes about itself (OpenID Connect Discovery)."""
        about = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self.issuer:
            raise self._unusable(f"it calls itself {about.get('issuer')!r}, and oidc.issuer is {self.issuer!r}")
        for name in _ENDPOINTS:
            if not is_private_address(str(about.get(name, ""))):
                raise self._unusable(f"its {name} is missing or not https")
        return about

    def _fetched(self, url: str) -> dict[str, Any]:
        read = self._read.get(url)
        if read is None or self._clock() - read[0] > _FRESH:
            reply = self._fetcher.get(url, {})
            if reply.status != 200:
                raise self._unusable(f"{url} answers {reply.status}")
            read = self._read[url] = (self._clock(), reply.content)
        return read[1]

    def _unusable(self, reason: str) -> Unavailable:
        self._read.clear()
        _log.error("The sign-in provider cannot be used: %s", reason)
        return Unavailable("The sign-in provider does not work with this server now", retry_after=60)

    def _derived(self, purpose: str, state: str) -> str:
        return _base64(
            hmac.digest(self._key, f"oidc {purpose}\0{state}".encode("utf-8", "surrogatepass"), "sha256")
        )


def is_private_address(url: str) -> bool:
    """Whether nobody on the way can read what is asked there: https, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    )


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _reason(reply: Reply) -> str:
    """The provider's word for it, if it is one."""
    word = str(reply.content.get("error", ""))
    return word if re.fullmatch("[a-z_]{1,40}", word) else "without a reason"
