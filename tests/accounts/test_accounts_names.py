"""Which names users can have."""

from __future__ import annotations

import pytest

from filehost_dav.accounts.names import user_name
from filehost_dav.errors import BadPath


@pytest.mark.parametrize(
    "name", ["anna", "Anna.B", "j-p_2", "anna@example.org", "Zoë", "李雷", "a+b", "0", "console"]
)
def test_a_name_that_can_be_a_folder_everywhere_is_accepted(name: str) -> None:
    assert user_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".anna", "a/b", "a\\b", "a:b", "a b", " a", "a.", "-a", "_a", "a\n", "a\0", "CON", "nul.a",
     "com1", "x" * 65, "a*", "a?", 'a"', "a<", "a|", "\ud800", "a\u202e"],
)  # fmt: skip
def test_a_name_that_cannot_is_refused(name: str) -> None:
    with pytest.raises(BadPath) as caught:
        user_name(name)
    assert caught.value.rule == "user-name"


def test_both_spellings_of_an_accent_are_one_name() -> None:
    assert user_name("Zoe\u0308") == user_name("Zo\u00eb")
