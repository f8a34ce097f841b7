"""PUT: a whole file, or nothing at all.

Everything that can be refused is refused before a byte of the body is read (and before a client that
sent `Expect: 100-continue` is told to send it); what may change meanwhile is asked again at the commit.
"""

from __future__ import annotations

from filehost_dav.dav.answer import Answer, Headers
from filehost_dav.dav.bodies import NonEmpty, body_of
from filehost_dav.dav.digests import promised
from filehost_dav.dav.guards import require_conditions, require_tokens
from filehost_dav.dav.preconditions import Preconditions
from filehost_dav.dav.request import Request
from filehost_dav.dav.statuses import Refusal
from filehost_dav.dav.times import http_date, oc_mtime
from filehost_dav.errors import IsAFolder, Truncated
from filehost_dav.storage.tree import Body, Condition, Entry, Metadata, Written


def put(request: Request) -> Answer:
    """201 or 204 with the new ETag."""
    environ = request.environ
    _refuse_parts(request)
    conditions = Preconditions.of(environ)
    modified = oc_mtime(environ["HTTP_X_OC_MTIME"]) if "HTTP_X_OC_MTIME" in environ else None

    def holds(present: Entry | None) -> None:
        if present is not None and present.is_folder:
            raise IsAFolder("A folder is here; a file cannot take its place")
        require_conditions(request, conditions, present)
        require_tokens(request, conditions.tokens, request.path, membership=present is None)

    body, expected = _body(request)
    written = request.home.write(
        request.path,
        body,
        when=Condition(conditions.wants_absence, holds, (request.services.locks.question(request.user),)),
        metadata=Metadata(modified, promised(environ), expected),
    )
    return _answer(written, accepted=modified is not None)


def _answer(written: Written, *, accepted: bool) -> Answer:
    entry = written.entry
    headers: Headers = [("ETag", entry.etag), ("Last-Modified", http_date(entry.modified))]
    if accepted:
        headers.append(("X-OC-Mtime", "accepted"))
    return Answer("201 Created" if written.created else "204 No Content", headers)


def _refuse_parts(request: Request) -> None:
    """A piece of a file must never be stored as if it were the file (RFC 9110 14.5)."""
    if "HTTP_CONTENT_RANGE" in request.environ:
        raise Refusal(400, "Parts of a file cannot be stored; send the whole file")
    if "HTTP_OC_CHUNKED" in request.environ:
        raise Refusal(501, "Chunked uploads of this kind are not supported; send the whole file")


def _body(request: Request) -> tuple[Body, int | None]:
    """The body, and the length that is announced beside it, if any."""
    body = body_of(request.environ)
    announced = (request.header("HTTP_X_EXPECTED_ENTITY_LENGTH") or "").strip()
    if not (announced.isascii() and announced.isdigit() and len(announced) < 20):
        return body, None
    expected = int(announced)
    if expected and body.length == 0:
        raise Truncated("The upload arrived empty; nothing was stored")
    if expected and body.length is None:
        return NonEmpty(body), expected
    return body, expected
