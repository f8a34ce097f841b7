"""COPY and MOVE within one user's tree."""

from __future__ import annotations

from filehost_dav.dav.answer import Answer, Headers
from filehost_dav.dav.guards import entry_at, require_conditions, require_parent, require_tokens
from filehost_dav.dav.preconditions import NONE, Preconditions
from filehost_dav.dav.records import copied, moved
from filehost_dav.dav.request import Request, depth
from filehost_dav.dav.statuses import Refusal
from filehost_dav.dav.times import oc_mtime
from filehost_dav.errors import ConditionFailed, IntoItself
from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import Condition, Entry, Written


def copy(request: Request) -> Answer:
    """201 or 204. Depth 0 copies a folder without its members (RFC 4918 9.8.3)."""
    target = destination(request)
    deep = depth(request, default="infinity")
    conditions = Preconditions.of(request.environ)

    def holds(present: Entry | None) -> None:
        _require_source(request, conditions)
        _require_target(request, conditions, target, present)

    source = request.home.stat(request.path)
    if source.is_folder and deep == "1":
        raise Refusal(400, "A folder is copied alone or with everything below; the Depth is 0 or infinity")
    holds(_replaceable(request, source, target))
    when = Condition(absent=not _overwrite(request), holds=holds)
    written = request.home.copy(request.path, target, when=when, deep=deep != "0")
    copied(request, request.path, target, deep=deep != "0")
    return _answer(request, target, written)


def move(request: Request) -> Answer:
    """201 or 204. The locks of the source end; a lock on the target itself stays (RFC 4918 7.5, 9.9.3)."""
    target = destination(request)
    conditions = Preconditions.of(request.environ)

    def holds(present: Entry | None) -> None:
        _require_source(request, conditions)
        _require_target(request, conditions, target, present)
        require_tokens(request, conditions.tokens, request.path, membership=True, members=True)

    source = request.home.stat(request.path)
    if source.is_folder and depth(request, default="infinity") != "infinity":
        raise Refusal(400, "A folder moves with everything below; the Depth must be infinity")
    holds(_replaceable(request, source, target))
    when = Condition(absent=not _overwrite(request), holds=holds)
    written = request.home.move(request.path, target, when=when)
    moved(request, request.path, target)
    return _answer(request, target, written)


def destination(request: Request) -> FilePath:
    """The place that the Destination header names. Raises Refusal: 400 without one, 502 for another mount."""
    header = request.header("HTTP_DESTINATION")
    if not header:
        raise Refusal(400, "The Destination header is missing")
    place = request.place(header.strip())
    if place is None:
        raise Refusal(502, "The destination lies on another server")
    return place


def _replaceable(request: Request, source: Entry, target: FilePath) -> Entry | None:
    """What is at the target now. Refuses what can be refused before anything is touched."""
    if target.is_within(source.path) or source.path.is_within(target):
        raise IntoItself("The source and the destination are the same or lie within each other")
    present = entry_at(request, target)
    if present is None:
        require_parent(request, target)
    elif not _overwrite(request):
        raise ConditionFailed("Something is at the destination already")
    return present


def _require_source(request: Request, conditions: Preconditions) -> None:
    if conditions is not NONE:
        require_conditions(request, conditions, request.home.stat(request.path))


def _require_target(
    request: Request, conditions: Preconditions, target: FilePath, present: Entry | None
) -> None:
    replaces = present is not None
    require_tokens(request, conditions.tokens, target, membership=not replaces, members=replaces)


def _overwrite(request: Request) -> bool:
    """The Overwrite header; T when it is missing (RFC 4918 10.6)."""
    value = (request.header("HTTP_OVERWRITE") or "T").strip().upper()
    if value not in ("T", "F"):
        raise Refusal(400, "The Overwrite header must be T or F")
    return value == "T"


def _answer(request: Request, target: FilePath, written: Written) -> Answer:
    entry = written.entry
    headers: Headers = []
    modified = oc_mtime(request.header("HTTP_X_OC_MTIME") or "")
    if modified is not None:
        entry = request.home.set_modified(target, modified)
        headers.append(("X-OC-Mtime", "accepted"))
    headers.append(("ETag", entry.etag))
    if not written.created:
        return Answer("204 No Content", headers)
    return Answer("201 Created", [*headers, ("Location", request.href(target, is_folder=entry.is_folder))])
