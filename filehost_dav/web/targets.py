"""Places on this site that have to do with signing in, and where somebody goes after it."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit

SIGN_IN: Final = "/.filehost/signin"
TO_PROVIDER: Final = "oidc"  # below /.filehost/
FROM_PROVIDER: Final = "oidc/callback"


def local_target(target: str) -> str:
    """`target` where it is a path on this site, else the top folder: no form sends people elsewhere."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return "/"
    return quote(target, safe="/%?&=#!$'()*+,;:@~[]")
