"""Rendering: one resource as a `response` element of a multistatus.

A renderer is compiled from a plan. What the Entry alone tells goes through a `%` template, one for files
and one for folders; a resource with locks or dead properties, or a plan that asks for quota or checksums,
is put together piece by piece from the same cells. In both, what there is comes in the first propstat
(some clients read no other) and what there is not in a second one with status 404.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from filehost_dav.dav.markup import empty_element, response
from filehost_dav.dav.plan import Kind, Plan
from filehost_dav.dav.properties import (
    ALLPROP,
    AROUND,
    CHECKSUMS,
    LIVE,
    LOCK_DISCOVERY,
    QUOTA,
    Around,
    Value,
    is_live,
)
from filehost_dav.storage.tree import Entry

_PLANS = 256
_NOTHING_AROUND = Around()


class _Cell(NamedTuple):
    """One property of the plan on one kind of resource: its XML, unless only the request can tell it."""

    name: str
    xml: str | None = None
    value: Value | None = None
    is_around: bool = False


class _Shape(NamedTuple):
    """How one kind of resource is rendered."""

    is_folder: bool
    cells: Sequence[_Cell]
    template: str
    values: Sequence[Value]


class Renderer:
    """Renders resources as one plan wants them."""

    def __init__(self, plan: Plan) -> None:
        self._kind = plan.kind
        self._file = _shape(plan, is_folder=False)
        self._folder = _shape(plan, is_folder=True)
        around = {cell.name for shape in (self._file, self._folder) for cell in shape.cells if cell.is_around}
        self.shows_dead = plan.kind is not Kind.SOME or not all(map(is_live, plan.names))
        self.shows_locks = LOCK_DISCOVERY in around
        self.shows_quota = not around.isdisjoint(QUOTA)
        self.shows_checksums = CHECKSUMS in around

    def plain(self, entry: Entry, href: str) -> bytes:
        """A resource with neither locks nor dead properties. `href` is percent-encoded."""
        shape = self._folder if entry.is_folder else self._file
        return (shape.template % (href, *[value(entry) for value in shape.values])).encode()

    def full(self, entry: Entry, href: str, around: Around, dead: Mapping[str, str]) -> bytes:
        """Any resource; `dead` are its dead properties, by name."""
        shape = self._folder if entry.is_folder else self._file
        found: list[str] = []
        missing: list[str] = []
        for cell in shape.cells:
            xml = dead.get(cell.name) or _told(cell, entry, around)
            if xml is None:
                missing.append(empty_element(cell.name))
            else:
                found.append(xml)
        if self._kind is not Kind.SOME:
            named = {cell.name for cell in shape.cells}
            others = {name: xml for name, xml in dead.items() if name not in named}
            found += others.values() if self._kind is Kind.ALL else map(empty_element, others)
        return _response(href, found, missing).encode()


@lru_cache(maxsize=_PLANS)
def renderer_of(plan: Plan) -> Renderer:
    """The renderer of a plan, compiled once."""
    return Renderer(plan)


def _shape(plan: Plan, *, is_folder: bool) -> _Shape:
    cells = tuple(_cells(plan, is_folder))
    found: list[str] = []
    missing: list[str] = []
    values: list[Value] = []
    for cell in cells:
        xml = AROUND[cell.name](is_folder, _NOTHING_AROUND) if cell.is_around else cell.xml
        if xml is None:
            missing.append(_doubled(empty_element(cell.name)))
        elif cell.value is None:
            found.append(_doubled(xml))
        else:
            found.append(xml)
            values.append(cell.value)
    return _Shape(is_folder, cells, _response("%s", found, missing), values)


def _cells(plan: Plan, is_folder: bool) -> Iterator[_Cell]:
    match plan.kind:
        case Kind.NAMES:
            for name in (*LIVE, *AROUND):
                if _exists(name, is_folder):
                    yield _Cell(name, empty_element(name))
        case Kind.ALL:
            for name in ALLPROP:
                if _exists(name, is_folder):
                    yield _cell(name, is_folder)
            yield from (_cell(name, is_folder) for name in plan.names if name not in ALLPROP)
        case Kind.SOME:
            yield from (_cell(name, is_folder) for name in plan.names)


def _cell(name: str, is_folder: bool) -> _Cell:
    if name in AROUND:
        return _Cell(name, is_around=True)
    live = LIVE.get(name)
    if live is None or not _exists(name, is_folder):
        return _Cell(name)
    return _Cell(name, live.on_folder if is_folder else live.on_file, live.value)


def _exists(name: str, is_folder: bool) -> bool:
    """Whether a file, or a folder, can have this live property."""
    if name in LIVE:
        live = LIVE[name]
        return (live.on_folder if is_folder else live.on_file) is not None
    return name == LOCK_DISCOVERY or (is_folder if name in QUOTA else not is_folder)


def _told(cell: _Cell, entry: Entry, around: Around) -> str | None:
    if cell.is_around:
        return AROUND[cell.name](entry.is_folder, around)
    if cell.xml is None or cell.value is None:
        return cell.xml
    return cell.xml % cell.value(entry)


def _response(href: str, found: Sequence[str], missing: Sequence[str]) -> str:
    # An answer has at least one propstat, be it empty (RFC 4918 14.24).
    stats = [("200 OK", "".join(found))] if found or not missing else []
    if missing:
        stats.append(("404 Not Found", "".join(missing)))
    return response(href, stats)


def _doubled(xml: str) -> str:
    """Constant text as part of a `%` template."""
    return xml.replace("%", "%%")
