"""Destination and other URLs in headers: taken by their path, split before they are decoded."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filehost_dav.dav.request import Request
from filehost_dav.errors import BadPath
from filehost_dav.paths import FilePath


def request(prefix: str = "") -> Request:
    return Request(
        {"SCRIPT_NAME": prefix}, FilePath.root(), prefix, "alice", cast("Any", None), cast("Any", None)
    )


@pytest.mark.parametrize(
    ("prefix", "destination", "place"),
    [
        ("", "http://host/a.txt", "/a.txt"),
        ("", "http://[::1/a.txt", "/a.txt"),
        ("", "https://other:8443/a.txt", "/a.txt"),
        ("", "webdavs://host/a.txt", "/a.txt"),
        ("", "//host-like/a.txt", "/host-like/a.txt"),
        ("", "/a.txt", "/a.txt"),
        ("", "http://host/what%3Fno%3Bv%3D1.txt", "/what?no;v=1.txt"),
        ("", "http://host/semi;v=1.txt", "/semi;v=1.txt"),
        ("", "http://host/per%2525cent.txt", "/per%25cent.txt"),
        ("", "http://host/hash%23tag.txt#fragment", "/hash#tag.txt"),
        ("", "/a.txt?query", "/a.txt"),
        ("", "/with blank.txt", "/with blank.txt"),
        ("", "/folder/", "/folder"),
        ("", "http://host/e%CC%81.txt", "/é.txt"),
        ("", "http://host", "/"),
        ("/m/alice", "http://host/m/alice/a.txt", "/a.txt"),
        ("/m/alice", "http://host/m/alice", "/"),
        ("/m/alice", "http://host/m/alice2/a.txt", None),
        ("/m/alice", "http://host/a.txt", None),
        ("/m/al%20ice", "http://host/m/al%20ice/a.txt", "/a.txt"),
    ],
)
def test_a_destination_is_taken_by_its_path(prefix: str, destination: str, place: str | None) -> None:
    found = request(prefix).place(destination)
    assert (str(found) if found else found) == place


@pytest.mark.parametrize(
    "destination", ["/%ff.txt", "/a/../b.txt", "/%00.txt", "/a%2Fb.txt", "/a%01", "a.txt", "", "mailto:a"]
)
def test_a_destination_that_names_no_place_is_a_bad_path(destination: str) -> None:
    with pytest.raises(BadPath):
        request().place(destination)


_name = st.text(
    st.characters(codec="utf-8", exclude_characters="/", exclude_categories=["Cc", "Cs"]), min_size=1
)


@given(st.lists(_name, min_size=1, max_size=4))
def test_the_destination_of_any_path_is_that_path(names: list[str]) -> None:
    with contextlib.suppress(BadPath):
        path = FilePath.parse("/".join(names))
        assert request().place("http://host/" + quote("/".join(names), safe="/")) == path
        assert request().place(request().href(path, is_folder=False)) == path


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_destination_is_understood_or_refused(destination: str) -> None:
    with contextlib.suppress(BadPath):
        assert request().place(destination) is None or True


def test_a_mounted_tree_is_keyed_by_its_own_paths() -> None:
    environ = {
        "PATH_INFO": "/caf\xc3\xa9.txt",
        "SCRIPT_NAME": "/remote.php/dav/files/al ice",
        "filehost.user": SimpleNamespace(name="alice"),
        "filehost.home": None,
    }
    made = Request.of(environ, cast("Any", None))
    assert str(made.path) == "/café.txt"
    assert made.href(made.path, is_folder=False) == "/remote.php/dav/files/al%20ice/caf%C3%A9.txt"
