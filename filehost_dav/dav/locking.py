"""LOCK and UNLOCK (RFC 4918 9.10, 9.11), and what a lock looks like on the wire."""

from __future__ import annotations

import re
from typing import Final

from filehost_dav.dav.answer import XML, Answer, Headers
from filehost_dav.dav.bodies import LARGEST_DOCUMENT, Nothing, body_of, read_whole
from filehost_dav.dav.guards import entry_at, require_conditions, require_parent, require_tokens
from filehost_dav.dav.markup import Element, escaped, parsed
from filehost_dav.dav.preconditions import Preconditions
from filehost_dav.dav.records import removed
from filehost_dav.dav.request import Request, depth
from filehost_dav.dav.statuses import Refusal
from filehost_dav.errors import ConditionFailed, FilehostError, Locked
from filehost_dav.state.locks import Lock, Wish
from filehost_dav.storage.tree import Condition, Entry

DEFAULT_TIMEOUT: Final = 3600  # seconds, when the client does not say
LONGEST_TIMEOUT: Final = 24 * 3600  # seconds; a client that wants more refreshes
_LARGEST_OWNER: Final = 4096  # characters of the owner element
_SECONDS: Final = re.compile(r"second-([0-9]{1,18})", re.IGNORECASE)


def lock(request: Request) -> Answer:
    """200, or 201 where the lock created an empty file. An empty body refreshes the lock named in If."""
    body = read_whole(body_of(request.environ), LARGEST_DOCUMENT)
    if not body.strip():
        return _refresh(request)
    exclusive, owner = _lockinfo(parsed(body))
    present = _lockable(request)
    wish = Wish(
        path=request.path,
        # A file has no members, whatever the Depth says; missing, it means infinity.
        deep=present is not None and present.is_folder and _is_deep(request),
        exclusive=exclusive,
        principal=request.user,
        info=owner,
        timeout=timeout(request.header("HTTP_TIMEOUT")),
    )
    granted = _acquire(request, wish)
    created = present is None and _create(request, granted)
    body = _discovery(request, granted, is_folder=present is not None and present.is_folder)
    headers = [*_xml_headers(), ("Lock-Token", f"<{granted.token}>")]
    return Answer("201 Created" if created else "200 OK", headers, body)


def unlock(request: Request) -> Answer:
    """204. 409 when the token is of no lock on this resource, 403 when somebody else holds it.

    An empty file whose content was refused goes with its lock: Explorer, Finder and davfs2 make one first.
    """
    header = request.header("HTTP_LOCK_TOKEN")
    if not header:
        raise Refusal(400, "The Lock-Token header is missing")
    token = header.strip().removeprefix("<").removesuffix(">")
    found = _own(request, token, else_status=409)
    request.services.locks.release(request.user, token)
    if request.home.forget_placeholder(found.path):
        removed(request, found.path)
    return Answer("204 No Content", [])


def active_lock(granted: Lock, href: str) -> str:
    """An activelock element, `D` being bound to DAV:; `href` is the URL path of the lock's root."""
    scope = "exclusive" if granted.exclusive else "shared"
    return (
        "<D:activelock><D:locktype><D:write/></D:locktype>"
        f"<D:lockscope><D:{scope}/></D:lockscope>"
        f"<D:depth>{'infinity' if granted.deep else '0'}</D:depth>{granted.info}"
        f"<D:timeout>Second-{granted.timeout}</D:timeout>"
        f"<D:locktoken><D:href>{escaped(granted.token)}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{escaped(href)}</D:href></D:lockroot></D:activelock>"
    )


def timeout(header: str | None) -> int:
    """Seconds to grant for a Timeout header: its first value that is understood, within our bounds."""
    for value in (header or "").split(","):
        if value.strip().lower() == "infinite":
            return LONGEST_TIMEOUT
        match = _SECONDS.fullmatch(value.strip())
        if match:
            return max(1, min(int(match[1]), LONGEST_TIMEOUT))
    return DEFAULT_TIMEOUT


def _refresh(request: Request) -> Answer:
    conditions = Preconditions.of(request.environ)
    tokens = conditions.tokens
    if len(tokens) != 1:
        raise Refusal(400, "To refresh a lock, name it, and only it, in the If header")
    (token,) = tokens
    found = _own(request, token, else_status=412)
    require_conditions(request, conditions, entry_at(request, request.path))
    root = entry_at(request, found.path)
    renewed = request.services.locks.refresh(
        request.user, token, timeout=timeout(request.header("HTTP_TIMEOUT"))
    )
    body = _discovery(request, renewed, is_folder=root is not None and root.is_folder)
    return Answer("200 OK", _xml_headers(), body)


def _own(request: Request, token: str, *, else_status: int) -> Lock:
    """The requester's own lock with this token, which covers the resource."""
    covering = request.services.locks.covering(request.user, request.path)
    found = next((lock for lock in covering if lock.token == token), None)
    if found is None:
        sentence = "This lock has ended, or is on something else"
        raise Refusal(else_status, sentence, condition="lock-token-matches-request-uri")
    if found.principal != request.user:
        raise Refusal(403, "Somebody else holds this lock")
    return found


def _lockable(request: Request) -> Entry | None:
    """What is there to be locked, or None where a file can be created for the lock."""
    conditions = Preconditions.of(request.environ)
    present = entry_at(request, request.path)
    if present is None:
        require_parent(request, request.path)
    require_conditions(request, conditions, present)
    if present is None:
        require_tokens(request, conditions.tokens, request.path, membership=True)
    return present


def _acquire(request: Request, wish: Wish) -> Lock:
    try:
        return request.services.locks.acquire(request.user, wish)
    except Locked as conflict:
        raise Refusal(
            423, "Somebody else holds a lock here", condition="no-conflicting-lock", paths=conflict.paths
        ) from None


def _create(request: Request, granted: Lock) -> bool:
    """The empty file of a lock on a new name; the lock ends if the file may not be.

    The lock comes first: of two that lock the same new name, only the one that got it creates anything.
    """

    def holds(present: Entry | None) -> None:
        if present is not None:
            raise ConditionFailed("It was created meanwhile")

    try:
        request.home.write(request.path, Nothing(), when=Condition(absent=True, holds=holds))
    except ConditionFailed:
        return False
    except FilehostError:
        request.services.locks.release(request.user, granted.token)
        raise
    return True


def _discovery(request: Request, granted: Lock, *, is_folder: bool) -> bytes:
    href = request.href(granted.path, is_folder=is_folder)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:"><D:lockdiscovery>'
        f"{active_lock(granted, href)}</D:lockdiscovery></D:prop>"
    ).encode()


def _xml_headers() -> Headers:
    return [*XML]


def _is_deep(request: Request) -> bool:
    value = depth(request, default="infinity")
    if value == "1":
        raise Refusal(400, "The Depth of a lock must be 0 or infinity")
    return value == "infinity"


def _lockinfo(root: Element) -> tuple[bool, str]:
    """Whether an exclusive lock is wanted, and the owner element as it was written. Raises Refusal (400)."""
    parts = {child.name: child for child in root.children}
    scope, kind = (_only_name(parts.get(f"{{DAV:}}{name}")) for name in ("lockscope", "locktype"))
    if root.name != "{DAV:}lockinfo" or kind != "{DAV:}write":
        raise Refusal(400, "A lock needs a scope and the type write")
    if scope not in ("{DAV:}exclusive", "{DAV:}shared"):
        raise Refusal(400, "The scope of a lock must be exclusive or shared")
    owner = parts.get("{DAV:}owner")
    text = owner.standalone() if owner else ""
    if len(text) > _LARGEST_OWNER:
        raise Refusal(400, "The owner of a lock may not be that long")
    return scope == "{DAV:}exclusive", text


def _only_name(element: Element | None) -> str | None:
    """The name of the first element inside."""
    return element.children[0].name if element and element.children else None
