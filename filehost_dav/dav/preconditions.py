"""Preconditions: what the headers of a request demand of the resource before anything may happen.

RFC 9110 section 13 (If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, in the order of
13.2.2) and RFC 4918 section 10.4 (If, with tagged lists, Not, state tokens and entity tags). They are
evaluated against "no representation" too when nothing is at the URL, before the body is read and once
more at the commit. Evaluation has no effect; it raises ConditionFailed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from filehost_dav.dav.statuses import Refusal
from filehost_dav.errors import ConditionFailed
from filehost_dav.storage.tree import Entry

_HEADERS: Final = (
    "HTTP_IF_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF",
)
_TAG: Final = re.compile(r'(W/)?"[^"]*"|[^\s,"]+')
_OUTER: Final = re.compile(r"<([^<>]*)>\s*|\(((?:<[^<>]*>|\[[^\]]*\]|[^()<>\[\]])*+)\)\s*")
_INNER: Final = re.compile(r'(?:(not)\s*)?(?:<([^<>]+)>|\[((?:W/)?"[^"]*"|[^\]"]+)\])\s*', re.IGNORECASE)
_MOST: Final = 100  # lists in one header; each may cost a look at the disk
ANY: Final = frozenset({"*"})


class State(NamedTuple):
    """What a condition may ask of a resource: its entry, and the tokens of the locks that cover it."""

    entry: Entry | None
    tokens: frozenset[str]


class Test(NamedTuple):
    """One condition of a list: a state token or an entity tag, wanted or (Not) unwanted."""

    value: str
    is_token: bool
    wanted: bool


class StateList(NamedTuple):
    """Conditions that must hold together, of the resource `tag` names (None: the request's own)."""

    tag: str | None
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The demands of one request, parsed. Entity tags are kept as they came, quotes included."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None
    modified_since: int | None = None
    unmodified_since: int | None = None
    lists: tuple[StateList, ...] = ()
    tokens: frozenset[str] = frozenset()

    @classmethod
    def of(cls, environ: dict[str, Any]) -> Preconditions:
        """Raises Refusal (400) for an If header that is malformed; a bad date is ignored (RFC 9110 13.1.3)."""
        values = [environ.get(name) for name in _HEADERS]
        if not any(values):
            return NONE
        match, unmodified, none_match, modified, lists = values
        parsed = parse_if(lists) if lists else ()
        return cls(
            match=_tags(match) if match else None,
            none_match=_tags(none_match) if none_match else None,
            modified_since=_seconds(modified) if modified and not none_match else None,
            unmodified_since=_seconds(unmodified) if unmodified and not match else None,
            lists=parsed,
            tokens=frozenset(t.value for one in parsed for t in one.tests if t.is_token and t.wanted),
        )

    @property
    def wants_absence(self) -> bool:
        """`If-None-Match: *`: only create, never overwrite."""
        return self.none_match == ANY

    def require(self, entry: Entry | None) -> None:
        """For a request that changes something: raises ConditionFailed unless all of RFC 9110 holds."""
        self._require_match(entry)
        if self.none_match is not None and _matches_weakly(self.none_match, entry):
            raise ConditionFailed("There is something here already, or it is what you have")

    def is_current(self, entry: Entry) -> bool:
        """For GET and HEAD: whether the client's copy is the current one (304). Raises ConditionFailed."""
        self._require_match(entry)
        if self.none_match is not None:
            return _matches_weakly(self.none_match, entry)
        return self.modified_since is not None and entry.modified // 10**9 <= self.modified_since

    def require_lists(self, state_of: Callable[[str | None], State]) -> None:
        """Raises ConditionFailed unless one list of the If header holds; `state_of` gets the list's tag."""
        if self.lists and not any(_holds(one.tests, state_of(one.tag)) for one in self.lists):
            raise ConditionFailed("The condition of the If header does not hold")

    def _require_match(self, entry: Entry | None) -> None:
        if self.match is not None and not _matches_strongly(self.match, entry):
            raise ConditionFailed("It has changed since you last saw it")
        since = self.unmodified_since
        if since is not None and entry is not None and entry.modified // 10**9 > since:
            raise ConditionFailed("It has changed since you last saw it")


NONE: Final = Preconditions()


def parse_if(value: str) -> tuple[StateList, ...]:
    """The lists of an If header. Raises Refusal (400) when it is malformed."""
    lists: list[StateList] = []
    tag: str | None = None
    for match in _consecutive(_OUTER, value.strip()):
        resource, tests = match.groups()
        if tests is None:
            tag = resource
        else:
            lists.append(StateList(tag, _tests(tests.strip())))
    if not 0 < len(lists) <= _MOST or value.rstrip().endswith(">"):
        raise _malformed()
    return tuple(lists)


def _tests(value: str) -> tuple[Test, ...]:
    found = []
    for match in _consecutive(_INNER, value):
        negated, token, etag = match.groups()
        found.append(Test(etag if token is None else token, token is not None, negated is None))
    if not found:
        raise _malformed()
    return tuple(found)


def _consecutive(pattern: re.Pattern[str], value: str) -> Iterator[re.Match[str]]:
    """Matches one after another until the whole of `value` is used up."""
    position = 0
    while position < len(value):
        match = pattern.match(value, position)
        if match is None:
            raise _malformed()
        position = match.end()
        yield match


def _malformed() -> Refusal:
    return Refusal(400, "The If header cannot be understood")


def _holds(tests: Iterable[Test], state: State) -> bool:
    return all(_is_true(test, state) is test.wanted for test in tests)


def _is_true(test: Test, state: State) -> bool:
    if test.is_token:
        return test.value in state.tokens
    return state.entry is not None and test.value == state.entry.etag


def _tags(value: str) -> frozenset[str]:
    """The entity tags of a header. A bare word, which some clients send, is taken as if it were quoted."""
    if value.strip() == "*":
        return ANY
    found = (match.group() for match in _TAG.finditer(value))
    return frozenset(tag if tag.endswith('"') else f'"{tag}"' for tag in found)


def _matches_strongly(tags: frozenset[str], entry: Entry | None) -> bool:
    return entry is not None and (tags is ANY or entry.etag in tags)


def _matches_weakly(tags: frozenset[str], entry: Entry | None) -> bool:
    return entry is not None and (tags is ANY or entry.etag in tags or "W/" + entry.etag in tags)


def _seconds(value: str) -> int | None:
    """An HTTP date as seconds since the epoch; None when it is none."""
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None
