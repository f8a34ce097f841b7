"""Preconditions: the If header of RFC 4918 and the conditions of RFC 9110, as tables and by fuzzing."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filehost_dav.dav.preconditions import Preconditions, State, parse_if
from filehost_dav.dav.statuses import Refusal
from filehost_dav.dav.times import http_date
from filehost_dav.errors import ConditionFailed
from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import Entry

ENTRY = Entry(FilePath.parse("/a.txt"), False, 10, 1_700_000_000_500_000_000, 0, '"v1"', "1")
HELD = State(ENTRY, frozenset({"urn:uuid:1"}))


@pytest.mark.parametrize(
    ("header", "holds"),
    [
        ("(<urn:uuid:1>)", True),
        ("(<urn:uuid:2>)", False),
        ("(Not <urn:uuid:2>)", True),
        ("(not <urn:uuid:1>)", False),
        ('(["v1"])', True),
        ('(["v2"])', False),
        ('(Not ["v2"])', True),
        ('(W/"v1")', None),
        ('([W/"v1"])', False),  # strong comparison
        ('(<urn:uuid:1> ["v1"])', True),
        ('(<urn:uuid:1> ["v2"])', False),
        ('(<urn:uuid:1> ["v2"]) (["v1"])', True),
        ("(<urn:uuid:2>) (Not <DAV:no-lock>)", True),
        ("(<DAV:no-lock>)", False),
        ("(<urn:uuid:1>Not<urn:uuid:2>)", True),
        ('  (<urn:uuid:1>)\t(["v2"])  ', True),
        ("", None),
        ("()", None),
        ("(", None),
        ("(<urn:uuid:1>", None),
        ("<urn:uuid:1>", None),
        ("(<urn:uuid:1>) <http://h/x>", None),
        ("(Not)", None),
        ("(Not Not <urn:uuid:1>)", None),
        ("((<urn:uuid:1>))", None),
        ("(urn:uuid:1)", None),
        ("(<urn:uuid:1>)" * 5000, None),
    ],
)
def test_if_lists_are_evaluated_as_rfc_4918_says(header: str, holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(Refusal) as refused:
            parse_if(header)
        assert refused.value.row.status == 400
        return
    with contextlib.nullcontext() if holds else pytest.raises(ConditionFailed):
        Preconditions.of({"HTTP_IF": header}).require_lists(lambda _tag: HELD)


def test_a_tagged_list_asks_about_the_resource_that_its_tag_names() -> None:
    header = '<http://h/a> (<urn:uuid:1>) (["x"]) <http://h/b> (["v1"])'
    tags = [one.tag for one in parse_if(header)]
    assert tags == ["http://h/a", "http://h/a", "http://h/b"]


def test_tokens_that_are_denied_are_not_submitted() -> None:
    assert Preconditions.of({"HTTP_IF": "(<a:1>) (Not <b:2>)"}).tokens == {"a:1"}


@given(st.text(alphabet='()<>[]"W/ Notab:', max_size=60))
def test_any_if_header_is_parsed_or_refused(header: str) -> None:
    with contextlib.suppress(Refusal):
        assert parse_if(header)


_token = st.builds("<urn:uuid:{}>".format, st.text(alphabet="0123456789abcdef-", min_size=1, max_size=36))
_etag = st.builds('["{}"]'.format, st.text(alphabet="abc019-]()<> ", max_size=12))
_test = st.tuples(st.sampled_from(["", "Not "]), st.one_of(_token, st.builds('["{}"]'.format, st.just("v1"))))


@given(st.lists(st.lists(_test, min_size=1, max_size=4), min_size=1, max_size=4))
def test_every_if_header_that_follows_the_grammar_is_understood(lists: list[list[tuple[str, str]]]) -> None:
    header = " ".join("(" + " ".join(negated + value for negated, value in one) + ")" for one in lists)
    parsed = parse_if(header)
    assert [len(one.tests) for one in parsed] == [len(one) for one in lists]
    assert [[not t.wanted for t in one.tests] for one in parsed] == [[bool(n) for n, _ in one] for one in lists]


DATE, LATER, EARLIER = (http_date((1_700_000_000 + s) * 10**9) for s in (0, 60, -60))


@pytest.mark.parametrize(
    ("headers", "there", "absent"),
    [
        ({"IF_MATCH": '"v1"'}, True, False),
        ({"IF_MATCH": '"v0", "v1"'}, True, False),
        ({"IF_MATCH": "*"}, True, False),
        ({"IF_MATCH": '"v2"'}, False, False),
        ({"IF_MATCH": 'W/"v1"'}, False, False),
        ({"IF_MATCH": "v1"}, True, False),  # without quotes, as some clients send it
        ({"IF_NONE_MATCH": "*"}, False, True),
        ({"IF_NONE_MATCH": '"v1"'}, False, True),
        ({"IF_NONE_MATCH": 'W/"v1"'}, False, True),
        ({"IF_NONE_MATCH": '"v2"'}, True, True),
        ({"IF_NONE_MATCH": "JoplinIgnore-1"}, True, True),
        ({"IF_UNMODIFIED_SINCE": DATE}, True, True),
        ({"IF_UNMODIFIED_SINCE": EARLIER}, False, True),
        ({"IF_UNMODIFIED_SINCE": EARLIER, "IF_MATCH": '"v1"'}, True, False),  # If-Match decides alone
        ({"IF_UNMODIFIED_SINCE": "yesterday"}, True, True),
        ({"IF_MODIFIED_SINCE": LATER}, True, True),  # means nothing for a change
    ],
)
def test_conditions_of_a_change(headers: dict[str, str], there: bool, absent: bool) -> None:
    conditions = Preconditions.of({f"HTTP_{name}": value for name, value in headers.items()})
    for entry, holds in ((ENTRY, there), (None, absent)):
        with contextlib.nullcontext() if holds else pytest.raises(ConditionFailed):
            conditions.require(entry)


@pytest.mark.parametrize(
    ("headers", "current"),
    [
        ({"IF_NONE_MATCH": '"v1"'}, True),
        ({"IF_NONE_MATCH": '"v0"'}, False),
        ({"IF_NONE_MATCH": "*"}, True),
        ({"IF_MODIFIED_SINCE": DATE}, True),
        ({"IF_MODIFIED_SINCE": LATER}, True),
        ({"IF_MODIFIED_SINCE": EARLIER}, False),
        ({"IF_MODIFIED_SINCE": "not a date"}, False),
        ({"IF_NONE_MATCH": '"v0"', "IF_MODIFIED_SINCE": LATER}, False),  # the tag decides alone
        ({"IF_NONE_MATCH": '"v1"', "IF_MODIFIED_SINCE": EARLIER}, True),
        ({"IF_MATCH": '"v1"', "IF_NONE_MATCH": '"v1"'}, True),
        ({"IF_MATCH": '"v0"', "IF_NONE_MATCH": '"v1"'}, None),
    ],
)
def test_conditions_of_a_read(headers: dict[str, str], current: bool | None) -> None:
    conditions = Preconditions.of({f"HTTP_{name}": value for name, value in headers.items()})
    if current is None:
        with pytest.raises(ConditionFailed):
            conditions.is_current(ENTRY)
    else:
        assert conditions.is_current(ENTRY) is current


@given(st.text(max_size=40))
def test_any_date_or_tag_is_taken_or_ignored(text: str) -> None:
    headers = {"HTTP_IF_MODIFIED_SINCE": text, "HTTP_IF_NONE_MATCH": "", "HTTP_IF_MATCH": text}
    with contextlib.suppress(ConditionFailed):
        Preconditions.of(headers).is_current(ENTRY)
