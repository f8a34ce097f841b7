"""ID tokens: what must hold before one tells who somebody is (OpenID Connect Core 3.1.3.7)."""

from __future__ import annotations

import hmac
from typing import Any, Final

from filehost_dav.accounts.oidc.client import Client
from filehost_dav.errors import SignInRefused

# Signatures by a private key only: "none" is no signature, and HS256 would make the client secret a key.
ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
_LEEWAY: Final = 60  # seconds that two clocks may differ


def read_token(token: str, keys: dict[str, Any]) -> dict[str, Any] | None:
    """The claims of a token that one of these keys (a JWK set) has signed; None when none has."""
    from joserfc import jwt  # noqa: PLC0415 - an extra, loaded with the first sign-in
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import KeySet  # noqa: PLC0415

    usable = [
        key for key in keys.get("keys", ()) if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP")
    ]
    try:
        found = jwt.decode(token, KeySet.import_key_set({"keys": usable}), algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return dict(found.claims)


def check_claims(claims: dict[str, Any], client: Client, nonce: str, now: float) -> None:
    """Raises SignInRefused unless the provider made this token, for us, now, for this very sign-in."""
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", client.id if len(listed) == 1 else None)
    if claims.get("iss") != client.issuer:
        raise _refused("is from another provider")
    if client.id not in listed or party != client.id:
        raise _refused("is for somebody else")
    if not _is_time(claims.get("exp")) or claims["exp"] <= now - _LEEWAY:
        raise _refused("has expired")
    for key in ("iat", "nbf"):
        if key in claims and not (_is_time(claims[key]) and claims[key] <= now + _LEEWAY):
            raise _refused("is from the future: compare the clocks")
    if not hmac.compare_digest(str(claims.get("nonce")).encode("utf-8", "surrogatepass"), nonce.encode()):
        raise _refused("is of another sign-in")
    if not claims.get("sub") or not isinstance(claims["sub"], str):
        raise _refused("names nobody")


def name_in(claims: dict[str, Any], client: Client) -> str:
    """The user's name here. Raises SignInRefused for none, and for whoever is not in the group."""
    groups = claims.get(client.group_claim, [])
    if client.group and client.group not in ([groups] if isinstance(groups, str) else groups or []):
        raise SignInRefused("You are not in the group that may sign in here")
    name = claims.get(client.claim)
    if not isinstance(name, str) or not name:
        raise SignInRefused(f"The provider does not say your name here (oidc.claim = {client.claim})")
    if client.claim == "email" and claims.get("email_verified") is not True:
        raise SignInRefused("The provider has not verified your e-mail address")
    return name


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(reason: str) -> SignInRefused:
    return SignInRefused(f"The provider's answer cannot be believed: its token {reason}")
