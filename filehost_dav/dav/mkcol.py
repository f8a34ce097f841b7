"""MKCOL: a new folder, with properties where the body of RFC 5689 gives some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from filehost_dav.dav.answer import XML, Answer
from filehost_dav.dav.bodies import LARGEST_DOCUMENT, body_of, read_whole
from filehost_dav.dav.guards import entry_at, require_conditions, require_parent, require_tokens
from filehost_dav.dav.markup import END, MULTISTATUS, parsed
from filehost_dav.dav.options import allow
from filehost_dav.dav.preconditions import Preconditions
from filehost_dav.dav.proppatch import Instruction, carry_out, instructions_of, propstats, refusals
from filehost_dav.dav.request import Request
from filehost_dav.dav.statuses import Refusal
from filehost_dav.storage.tree import Condition, Entry

_RESOURCETYPE: Final = "{DAV:}resourcetype"
_XML: Final = ("application/xml", "text/xml")


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
    instructions = _instructions(request)
    failures = refusals(instructions)
    if failures:
        return _failed(instructions, failures)
    holds(None)
    entry = request.home.make_folder(request.path, when=Condition(holds=holds))
    failures = carry_out(request, entry, instructions, conditions.tokens) if instructions else {}
    if failures:
        request.home.delete(request.path)
        return _failed(instructions, failures)
    return Answer("201 Created", [("ETag", entry.etag)])


def _instructions(request: Request) -> Sequence[Instruction]:
    """The properties to set, without the type, which must be that of a plain folder."""
    whole = read_whole(body_of(request.environ), LARGEST_DOCUMENT)
    if not whole:
        return ()
    kind = (request.header("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    if kind not in _XML:
        raise Refusal(415, "The body of this request is not understood")
    instructions = instructions_of(parsed(whole), inside="mkcol")
    types = [one.value or "" for one in instructions if one.name == _RESOURCETYPE]
    for value in types:
        names = {child.name for child in parsed(value.encode()).children}
        if names != {"{DAV:}collection"}:
            raise Refusal(403, "Only plain folders can be made here", condition="valid-resourcetype")
    return [one for one in instructions if one.name != _RESOURCETYPE]


def _failed(instructions: Sequence[Instruction], failures: dict[str, str]) -> Answer:
    """RFC 5689 3: no folder was made; which property prevented it is in the body."""
    groups = "".join(
        f"<D:propstat><D:prop>{names}</D:prop><D:status>HTTP/1.1 {status}</D:status></D:propstat>"
        for status, names in propstats(instructions, failures)
    )
    start, end = (text.replace("multistatus", "mkcol-response") for text in (MULTISTATUS, END))
    headers = [*XML]
    return Answer("403 Forbidden", headers, f"{start}{groups}{end}".encode())
