"""What the operator has agreed with the provider."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """`issuer` is the provider's name for itself, letter by letter. `secret` empty: a public client.

    `claim` holds the user's name here; `group` empty lets everybody in, else `group_claim` must hold it.
    `seconds` is what the provider gets to answer in.
    """

    issuer: str
    id: str
    secret: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    claim: str = "preferred_username"
    group: str = ""
    group_claim: str = "groups"
    seconds: float = 10
