"""The cookie that holds a browser's session, and the token that proves a form is ours.

The cookie is HttpOnly and SameSite=Strict; under TLS it is also Secure and, by its `__Host-`
name, out of reach of sibling domains.
"""

from __future__ import annotations

import hmac
from typing import Final

from filehost_dav.accounts.sessions import LONGEST, Session, Sessions
from filehost_dav.web.request import Request

_NAME: Final = "filehost"


def session_of(request: Request, sessions: Sessions) -> Session | None:
    """The session of the browser that sends this request, if it has one that holds."""
    token = session_token(request)
    return sessions.find(token) if token else None


def session_token(request: Request) -> str:
    """The token in the cookie, empty where there is none."""
    return request.cookies.get(_cookie_name(request), "")


def keep_session(request: Request, token: str) -> tuple[str, str]:
    """The header that makes the browser keep `token`."""
    return ("Set-Cookie", _cookie(request, token, LONGEST))


def forget_session(request: Request) -> tuple[str, str]:
    """The header that makes the browser forget its session."""
    return ("Set-Cookie", _cookie(request, "", 0))


def form_token(request: Request, user: str, key: bytes) -> str:
    """What a form of ours must carry: bound to the session, or to the user where Basic signs in.

    `key` is the server's own, the same in all its processes.
    """
    return hmac.digest(key, f"form\0{user}\0{session_token(request)}".encode(), "sha256").hex()


def _cookie(request: Request, value: str, seconds: int) -> str:
    secure = "; Secure" if request.is_secure else ""
    return f"{_cookie_name(request)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def _cookie_name(request: Request) -> str:
    return f"__Host-{_NAME}" if request.is_secure else _NAME
