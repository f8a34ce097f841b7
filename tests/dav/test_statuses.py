"""The table from errors to HTTP: complete, safe to print, and in the shape that clients parse."""

from __future__ import annotations

import inspect
import xml.etree.ElementTree as ET

import pytest

from filehost_dav import errors
from filehost_dav.dav.statuses import PHRASES, TABLE, Refusal, error_answer, failure_answer, row_of

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.FilehostError) and kind is not errors.FilehostError
]
MADE = {
    errors.BadPath: errors.BadPath("no", rule="dots"),
    errors.Refused: errors.Refused("no", rule="extension"),
    errors.Locked: errors.Locked("no", ["/a b/c&d.txt"]),
    errors.TooLarge: errors.TooLarge("no", limit=10),
    errors.Unavailable: errors.Unavailable("no", retry_after=7),
    errors.Throttled: errors.Throttled("no", retry_after=30),
    errors.ConfigError: errors.ConfigError(["no"]),
}


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_a_row_of_its_own(kind: type[errors.FilehostError]) -> None:
    assert kind in TABLE


@pytest.mark.parametrize("kind", ALL)
def test_every_error_answers_with_the_two_elements_that_clients_look_for(
    kind: type[errors.FilehostError],
) -> None:
    answer = error_answer(MADE.get(kind) or kind("no"))
    assert isinstance(answer.body, bytes)
    text = answer.body.decode()
    assert '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">' in text
    assert "<s:exception>Sabre\\DAV\\Exception\\" in text
    assert "<s:message>no</s:message>" in text
    assert dict(answer.headers)["Content-Type"] == "application/xml; charset=utf-8"
    assert ET.fromstring(text).tag == "{DAV:}error"


@pytest.mark.parametrize("phrase", [*(row.phrase for row in TABLE.values()), *PHRASES.values()])
def test_reason_phrases_are_short_and_ascii(phrase: str) -> None:
    assert phrase.isascii()
    assert phrase.isprintable()
    assert 0 < len(phrase) <= 40


def test_a_lock_in_the_way_is_named_by_its_url_below_the_mount() -> None:
    error = errors.Locked("no", ["/a b/c&d.txt"])
    answer = error_answer(error, prefix="/mount")
    assert isinstance(answer.body, bytes)
    hrefs = ET.fromstring(answer.body).findall("{DAV:}lock-token-submitted/{DAV:}href")
    assert [href.text for href in hrefs] == ["/mount/a%20b/c&d.txt"]


@pytest.mark.parametrize("kind", [errors.Exists, errors.IsAFolder])
def test_a_method_that_is_not_allowed_is_answered_with_those_that_are(
    kind: type[errors.FilehostError],
) -> None:
    assert "PROPFIND" in dict(error_answer(kind("no")).headers)["Allow"]


@pytest.mark.parametrize(("kind", "seconds"), [(errors.Unavailable, "7"), (errors.Throttled, "30")])
def test_a_client_that_shall_come_back_is_told_when(kind: type[errors.FilehostError], seconds: str) -> None:
    assert dict(error_answer(MADE[kind]).headers)["Retry-After"] == seconds


def test_the_phrase_of_a_refused_name_says_which_rule_refused() -> None:
    assert row_of(errors.Refused("no", rule="extension")).phrase == "File type not allowed"
    assert row_of(errors.Refused("no", rule="unheard-of")).phrase == "Name not allowed"


def test_an_error_without_a_row_of_its_own_has_that_of_its_base() -> None:
    class Special(errors.NotFound):
        pass

    assert row_of(Special("no")).status == 404


def test_a_message_cannot_break_out_of_its_element() -> None:
    answer = error_answer(Refusal(400, "</s:message><evil/>"))
    assert isinstance(answer.body, bytes)
    assert ET.fromstring(answer.body).find(".//evil") is None


def test_a_fault_of_the_program_shows_a_number_to_ask_about_and_nothing_else() -> None:
    answer = failure_answer("a1b2")
    assert isinstance(answer.body, bytes)
    assert answer.status == "500 Internal Server Error"
    assert b"a1b2" in answer.body
