"""Plan: which properties a PROPFIND body asks for, parsed once for each body that clients send.

Clients send the same few bodies again and again, so a plan is remembered by the bytes of its body and
the XML parser sees only new ones. RFC 4918 section 9.1 and 14.20: exactly one of `allprop` (perhaps with
`include`), `propname` and `prop`; text between elements is ignored, and so are elements not known here.
An empty body asks for everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from filehost_dav.dav.markup import Element, parsed
from filehost_dav.errors import BadBody

_LARGEST_REMEMBERED = 8 * 1024  # bytes of a body
_REMEMBERED = 256
_MOST_NAMES: Final = 1000


class Kind(Enum):
    """What is asked for."""

    ALL = "allprop"
    NAMES = "propname"
    SOME = "prop"


@dataclass(frozen=True, slots=True)
class Plan:
    """`names` in Clark notation, each once: those of `prop`, or of `include` beside `allprop`."""

    kind: Kind
    names: tuple[str, ...] = ()


EVERYTHING: Final = Plan(Kind.ALL)
_KINDS: Final = {f"{{DAV:}}{kind.value}": kind for kind in Kind}


def plan_of(body: bytes) -> Plan:
    """Raises BadBody for a body that is no PROPFIND."""
    return _remembered(body) if len(body) <= _LARGEST_REMEMBERED else _parse(body)


def _parse(body: bytes) -> Plan:
    if not body.strip():
        return EVERYTHING
    root = parsed(body)
    if root.name != "{DAV:}propfind":
        raise BadBody("The body of a PROPFIND must be a propfind element")
    asked = [child for child in root.children if child.name in _KINDS]
    included = [child for child in root.children if child.name == "{DAV:}include"]
    if len(asked) != 1 or (included and asked[0].name != "{DAV:}allprop"):
        raise BadBody("A PROPFIND asks for exactly one of allprop, propname and prop")
    kind = _KINDS[asked[0].name]
    return Plan(kind, _names(asked if kind is Kind.SOME else included))


def _names(elements: Iterable[Element]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(child.name for element in elements for child in element.children))
    if len(names) > _MOST_NAMES:
        raise BadBody(f"A PROPFIND may name {_MOST_NAMES} properties at most")
    return names


_remembered = lru_cache(maxsize=_REMEMBERED)(_parse)
