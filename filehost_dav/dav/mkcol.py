"""MKCOL: a new folder."""

from __future__ import annotations

from filehost_dav.dav.answer import Answer
from filehost_dav.dav.bodies import is_empty
from filehost_dav.dav.guards import entry_at, require_conditions, require_tokens
from filehost_dav.dav.options import allow
from filehost_dav.dav.preconditions import Preconditions
from filehost_dav.dav.put import require_parent
from filehost_dav.dav.request import Request
from filehost_dav.dav.statuses import Refusal
from filehost_dav.storage.tree import Condition, Entry


def mkcol(request: Request) -> Answer:
    """201. 405 where something is already, 409 without a parent, 415 for a body that is not understood."""
    conditions = Preconditions.of(request.environ)

    def holds(present: Entry | None) -> None:
        require_conditions(request, conditions, present)
        require_tokens(request, conditions.tokens, request.path, membership=True)

    present = entry_at(request, request.path)
    if present is not None:
        raise Refusal(405, "Something is already here", headers=allow(present))
    require_parent(request, request.path)
    if not is_empty(request.environ):
        raise Refusal(415, "The body of this request is not understood")
    holds(None)
    entry = request.home.make_folder(request.path, when=Condition(holds=holds))
    return Answer("201 Created", [("ETag", entry.etag)])
