"""PROPPATCH (RFC 4918 9.2): set and remove properties, all of them or none.

The answer is always a 207 that tells about each property: Windows takes a plain 200 or 204 for a full
disk, and an error for the whole request as an unusable file. Dead properties are kept as they were
written. The time of modification can be set under the four names that clients use for it, and checksums
to what they are (rclone repeats them beside a time); every other live property is protected. The Depth
header is ignored, since some clients send one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from filehost_dav.dav.answer import XML, Answer
from filehost_dav.dav.bodies import LARGEST_DOCUMENT, body_of, read_whole
from filehost_dav.dav.guards import require_conditions, require_tokens
from filehost_dav.dav.markup import END, MULTISTATUS, Element, empty_element, parsed, response
from filehost_dav.dav.preconditions import Preconditions
from filehost_dav.dav.properties import CHECKSUMS, SETTABLE, is_live
from filehost_dav.dav.propfind_resource import href_of
from filehost_dav.dav.request import Request
from filehost_dav.dav.statuses import row_of
from filehost_dav.dav.times import moment_of
from filehost_dav.errors import BadBody, FilehostError, QuotaExceeded
from filehost_dav.state.properties import LONGEST
from filehost_dav.storage.tree import Entry

_OK: Final = "200 OK"
_DEPENDENT: Final = "424 Failed Dependency"
_MOST: Final = 1000  # instructions in one request
_WINDOWS_ZERO: Final = -11_644_473_600 * 10**9  # 1601, with which Windows says that it has no time to set


@dataclass(frozen=True, slots=True)
class Instruction:
    """One property to set, or to remove (`value` None). A property of time has the `moment` it means, one of
    checksums the digests by algorithm.
    """

    name: str
    value: str | None = None
    moment: int | None = None
    checksums: Mapping[str, str] | None = None


def proppatch(request: Request) -> Answer:
    """207. Raises NotFound, Locked, ConditionFailed, BadBody before anything is changed."""
    instructions = instructions_of(parsed(read_whole(body_of(request.environ), LARGEST_DOCUMENT)))
    entry = request.home.stat(request.path)
    conditions = Preconditions.of(request.environ)
    require_conditions(request, conditions, entry)
    require_tokens(request, conditions.tokens, request.path)
    failures = refusals(instructions) or carry_out(request, entry, instructions, conditions.tokens)
    href = href_of(request, request.path, is_folder=entry.is_folder)
    text = MULTISTATUS + response(href, propstats(instructions, failures)) + END
    return Answer("207 Multi-Status", [*XML], text.encode())


def instructions_of(root: Element, *, inside: str = "propertyupdate") -> Sequence[Instruction]:
    """The instructions of a body, in their order. Raises BadBody for one that is not what `inside` says."""
    if root.name != f"{{DAV:}}{inside}":
        raise BadBody(f"The body of this request must be a {inside} element")
    found = [
        _instruction(element, is_set=update.name == "{DAV:}set")
        for update in root.children
        if update.name in ("{DAV:}set", "{DAV:}remove")
        for prop in update.children
        if prop.name == "{DAV:}prop"
        for element in prop.children
    ]
    if not found or len(found) > _MOST:
        raise BadBody(f"Between one and {_MOST} properties can be changed at once")
    return found


def refusals(instructions: Sequence[Instruction]) -> dict[str, str]:
    """The properties that could never be changed so, each with its status."""
    return {one.name: status for one in instructions if (status := _refusal(one)) is not None}


def carry_out(
    request: Request, entry: Entry, instructions: Sequence[Instruction], tokens: frozenset[str]
) -> dict[str, str]:
    """Change all the properties, holding the locks of `tokens`; or none, and tell which prevented it with
    which status.
    """
    for one in instructions:
        if one.checksums and not _are_known(request, entry, one.checksums):
            return {one.name: "409 Conflict"}
    moments = {
        one.name: one.moment for one in instructions if one.moment is not None and one.moment > _WINDOWS_ZERO
    }
    dead = [(one.name, one.value) for one in instructions if not is_live(one.name)]

    def still() -> None:
        request.home.stat(entry.path)
        require_tokens(request, tokens, entry.path)

    try:
        # Not inside the transaction: a tree may keep its times in the same database.
        for moment in list(moments.values())[-1:]:
            request.home.set_modified(entry.path, moment)
    except FilehostError as error:
        return dict.fromkeys(moments, _status(error))
    try:
        if dead:
            request.services.properties.change(request.user, entry.path, dead, still=still)
    except FilehostError as error:
        if moments:
            request.home.set_modified(entry.path, entry.modified)
        if not isinstance(error, QuotaExceeded):
            raise
        return {name: _status(error) for name, value in dead if value is not None}
    return {}


def propstats(instructions: Sequence[Instruction], failures: Mapping[str, str]) -> list[tuple[str, str]]:
    """What became of each property, grouped by status."""
    otherwise = _DEPENDENT if failures else _OK
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(one.name for one in instructions):
        groups.setdefault(failures.get(name, otherwise), []).append(empty_element(name))
    return [(status, "".join(elements)) for status, elements in groups.items()]


def _instruction(element: Element, *, is_set: bool) -> Instruction:
    if not is_set:
        return Instruction(element.name)
    moment = moment_of(element.text) if element.name in SETTABLE else None
    checksums = _digests(element) if element.name == CHECKSUMS else None
    return Instruction(element.name, element.standalone(), moment, checksums)


def _digests(element: Element) -> dict[str, str]:
    """`SHA1:55ca… MD5:764e…`, in however many elements, by algorithm."""
    words = " ".join(child.text for child in element.children).split()
    return {
        algorithm.lower(): digest.lower() for algorithm, _, digest in (word.partition(":") for word in words)
    }


def _are_known(request: Request, entry: Entry, checksums: Mapping[str, str]) -> bool:
    if entry.is_folder:
        return False
    return checksums.items() <= request.home.checksums(entry.path).items()


def _refusal(one: Instruction) -> str | None:
    if one.name in SETTABLE and one.value is not None:
        return None if one.moment is not None else "409 Conflict"
    if one.checksums is not None:
        return None
    if is_live(one.name):
        return "403 Forbidden"
    if one.value is not None and len(one.value) > LONGEST:
        return "507 Insufficient Storage"
    return None


def _status(error: FilehostError) -> str:
    row = row_of(error)
    return f"{row.status} {row.phrase}"
