"""What holds for the role of every name there is, not only for those that somebody thought of."""

from __future__ import annotations

import unicodedata

from hypothesis import assume, given
from hypothesis import strategies as st

from filehost_dav.errors import BadPath, Refused
from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import DEFAULT_EXTENSIONS, Policy, Role

POLICY = Policy()

_LETTERS = st.characters(exclude_categories=("Cs",))
_PIECES = st.sampled_from(
    [*DEFAULT_EXTENSIONS, "exe", "sh", "tmp", "~", ".", "_", "-", " ", "$", "#", "._", ".~lock."]
)
_NAMES = st.one_of(
    st.text(_LETTERS, min_size=1, max_size=40),
    st.lists(st.one_of(_PIECES, st.text(_LETTERS, max_size=6)), min_size=1, max_size=6).map("".join),
)


def place(text: str) -> FilePath:
    try:
        return FilePath.parse(text)
    except BadPath:
        assume(False)
        raise


@given(_NAMES)
def test_an_allowed_file_ends_in_an_allowed_type(name: str) -> None:
    path = place(name)
    if POLICY.classify(path) is Role.ALLOWED:
        assert path.name.casefold().endswith(tuple("." + extension for extension in DEFAULT_EXTENSIONS))


@given(_NAMES)
def test_case_and_spelling_do_not_change_the_role(name: str) -> None:
    path = place(name)
    for other in (path.name.upper(), unicodedata.normalize("NFD", path.name)):
        if other.casefold() == path.name.casefold() or unicodedata.normalize("NFC", other) == path.name:
            assert POLICY.classify(place(other)) is POLICY.classify(path)


@given(_NAMES, st.sampled_from(["exe", "sh", "bat", "js", "html", "php", "com", "dll", "jar", "zip"]))
def test_no_decoration_makes_a_real_type_more_than_refused(name: str, kind: str) -> None:
    path = place(f"{name}.{kind}")
    if POLICY.classify(path) is Role.STAGING:  # by the beginning of the name, which a program is known to use
        assert path.name.startswith((".#", "#", "(", "Word Work File", "word work file")) or "~" in path.name
    else:
        assert POLICY.classify(path) is not Role.ALLOWED


@given(_NAMES)
def test_a_check_refuses_exactly_what_has_no_place(name: str) -> None:
    path = place(name)
    for is_folder in (False, True):
        role = POLICY.classify(path, is_folder=is_folder)
        try:
            assert POLICY.check(path, is_folder=is_folder) is role
        except Refused:
            assert role in (Role.REFUSED, Role.UNSAFE)
        else:
            assert role in (Role.ALLOWED, Role.SIDE, Role.STAGING)


@given(_NAMES)
def test_the_ascii_policy_allows_only_what_the_portable_one_does(name: str) -> None:
    path = place(name)
    if Policy(names="ascii").classify(path) is Role.ALLOWED:
        assert POLICY.classify(path) is Role.ALLOWED
        assert path.name.isascii()
