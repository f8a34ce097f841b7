"""DELETE: a file, or a folder with everything below, into the trash; all of it or nothing."""

from __future__ import annotations

from filehost_dav.dav.answer import Answer
from filehost_dav.dav.guards import require_conditions, require_tokens
from filehost_dav.dav.preconditions import Preconditions
from filehost_dav.dav.records import removed
from filehost_dav.dav.request import Request
from filehost_dav.dav.statuses import Refusal
from filehost_dav.storage.tree import Condition, Entry


def delete(request: Request) -> Answer:
    """204. A lock anywhere below that the request does not hold leaves everything as it is (423).

    A 207 with part of a tree deleted is taken for success by some clients. A Depth header is not looked
    at, and a body is ignored: some clients send either, and a DELETE is always deep (RFC 4918 9.6.1).
    """
    if request.path.is_root:
        raise Refusal(403, "Your own folder itself cannot be deleted")
    conditions = Preconditions.of(request.environ)

    def holds(present: Entry | None) -> None:
        require_conditions(request, conditions, present)
        require_tokens(request, conditions.tokens, request.path, membership=True, members=True)

    holds(request.home.stat(request.path))
    request.home.delete(request.path, when=Condition(holds=holds))
    removed(request, request.path)
    return Answer("204 No Content", [])
