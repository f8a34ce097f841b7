"""WsgiDAV's own view of a tree: keys by user, exact inverses, and its stock engine over our resources."""

from __future__ import annotations

import contextlib
import io
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsgidav.request_server import RequestServer

from filehost_dav.dav.provider import File, Folder, HomeProvider, ref_url
from filehost_dav.errors import BadPath
from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import Policy
from filehost_dav.storage.home import Home
from filehost_dav.storage.local import LocalStorage

Ask = Callable[[str, str], tuple[str, dict[str, str], bytes]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    storage = LocalStorage(tmp_path, durability="none")
    home = Home(storage.tree("alice"), Policy())
    home.make_folder(FilePath.parse("/folder"))
    yield home
    storage.close()


@pytest.fixture
def provider() -> HomeProvider:
    made = HomeProvider()
    made.set_share_path("/")
    return made


def environ(home: Home, provider: HomeProvider, user: str = "alice") -> dict[str, Any]:
    return {
        "filehost.home": home,
        "filehost.user": SimpleNamespace(name=user),
        "wsgidav.provider": provider,
        "wsgidav.config": {"hotfixes": {}},
        "wsgidav.verbose": 1,
        "wsgidav.auth.user_name": user,
        "SCRIPT_NAME": "",
        "wsgi.input": io.BytesIO(),
    }


@pytest.fixture
def ask(home: Home, provider: HomeProvider) -> Ask:
    """Ask the stock engine over our provider."""

    def run(method: str, path: str) -> tuple[str, dict[str, str], bytes]:
        said: list[tuple[str, dict[str, str]]] = []
        request = {**environ(home, provider), "REQUEST_METHOD": method, "PATH_INFO": path}
        if method == "PROPFIND":
            request["HTTP_DEPTH"] = "1"
        body = b"".join(RequestServer(provider)(request, lambda s, h, e=None: said.append((s, dict(h)))))
        return (*said[0], body)

    return run


class Text:
    """A body."""

    def __init__(self, text: bytes) -> None:
        self.length: int | None = len(text)
        self._stream = io.BytesIO(text)

    def readinto(self, buffer: memoryview, /) -> int:
        return self._stream.readinto(buffer)


def test_two_users_resources_at_one_path_have_two_keys(home: Home, provider: HomeProvider) -> None:
    keys = set()
    for user in ("alice", "bob"):
        resource = provider.get_resource_inst("/folder", environ(home, provider, user))
        assert resource is not None
        keys.add(resource.get_ref_url())
    assert keys == {"/alice/folder", "/bob/folder"}


@given(st.text(min_size=1, max_size=20), st.text(max_size=40))
def test_a_key_leads_back_to_exactly_its_path(user: str, text: str) -> None:
    with contextlib.suppress(BadPath, UnicodeEncodeError):
        path = FilePath.parse(text)
        assert HomeProvider().ref_url_to_path(ref_url(user, path)) == str(path)


@pytest.mark.parametrize("path", ["/none.txt", "/a\x01.txt", "/folder/none/deeper"])
def test_what_is_not_there_is_none(home: Home, provider: HomeProvider, path: str) -> None:
    assert provider.get_resource_inst(path, environ(home, provider)) is None


def test_the_stock_engine_reads_our_files_and_folders(home: Home, ask: Ask) -> None:
    text = b"what the document says" * 1000
    home.write(FilePath.parse("/folder/ä b.txt"), Text(text))
    status, headers, body = ask("GET", "/folder/ä b.txt")
    assert (status, body) == ("200 OK", text)
    assert headers["ETag"] == home.stat(FilePath.parse("/folder/ä b.txt")).etag
    status, _, body = ask("PROPFIND", "/folder")
    hrefs = [element.text for element in ET.fromstring(body).iter("{DAV:}href")]
    assert status.startswith("207")
    assert hrefs == ["/folder/", "/folder/%C3%A4%20b.txt"]


def test_resources_tell_what_the_tree_tells(home: Home, provider: HomeProvider) -> None:
    written = home.write(FilePath.parse("/folder/a.txt"), Text(b"four")).entry
    folder = provider.get_resource_inst("/folder", environ(home, provider))
    assert isinstance(folder, Folder)
    assert folder.get_member_names() == ["a.txt"]
    member = folder.get_member("a.txt")
    assert isinstance(member, File)
    assert member.get_content_length() == 4
    assert member.get_content_type() == "text/plain; charset=utf-8"
    assert member.get_last_modified() == written.modified / 10**9
    assert member.get_creation_date() == written.created / 10**9
    assert folder.get_member("none.txt") is None
