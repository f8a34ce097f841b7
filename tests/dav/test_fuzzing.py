"""Whatever a client sends, it gets an answer that is not a fault of the server."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness.examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from filehost_dav.dav.application import build
from filehost_dav.policy.roles import Policy
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.home import Home
from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.tree import Storage

METHODS = [
    *("OPTIONS", "GET", "HEAD", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"),
    *("PROPFIND", "PROPPATCH", "POST", "PATCH", "BREW"),
]
Ask = Callable[[dict[str, Any], bytes], str]


@pytest.fixture(scope="module", params=["local", "object"])
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Ask the application, without sockets; the status line of its answer."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    database = SqliteDatabase(folder / "state.sqlite3")
    migrate(database)
    storage: Storage
    if request.param == "local":
        storage = LocalStorage(folder, durability="none")
    else:
        storage = ObjectStorage(database, FolderBlobs(folder / "bucket"))
    home = Home(storage.tree("alice"), Policy())
    application = build(database)

    def run(environ: dict[str, Any], body: bytes) -> str:
        said: list[str] = []
        given = {
            "SCRIPT_NAME": "",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "filehost.user": SimpleNamespace(name="alice"),
            "filehost.home": home,
            **environ,
        }
        answer = application(given, lambda status, headers: said.append(status))
        try:
            assert str(folder).encode() not in b"".join(answer)  # no answer tells where files lie
        finally:
            getattr(answer, "close", lambda: None)()
        (status,) = said
        return status

    yield run
    storage.close()
    database.close()


# Bytes as WSGI carries them; mostly such as mean something here.
_letters = st.sampled_from(
    [*"ab/.%~$*()<>[]\"=:;,-_ 019?#&'+", "\xc3\xa9", "\xff", "\x00", "\x01", "\n", "\xe9"]
)
_text = st.lists(_letters, max_size=24).map("".join)
_path = st.one_of(
    st.sampled_from(["/", "/a.txt", "/b.txt", "/folder", "/folder/", "/folder/a.txt", "/.filehost", "*"]),
    _text.map(lambda text: "/" + text),
)
_token = st.sampled_from(
    ["<opaquelocktoken:1>", "<DAV:no-lock>", "<http://x/a.txt>", '["x"]', "Not", "(", ")", " "]
)
_header = st.one_of(
    _text,
    st.lists(_token, max_size=8).map("".join),
    st.sampled_from(["0", "1", "infinity", "T", "F", "*", "bytes=0-1", "Second-5", "Infinite", "9" * 30, "-1"]),
    _path,
)
HEADERS = [
    *("DEPTH", "DESTINATION", "OVERWRITE", "IF", "IF_MATCH", "IF_NONE_MATCH", "IF_MODIFIED_SINCE"),
    *("IF_UNMODIFIED_SINCE", "IF_RANGE", "RANGE", "TIMEOUT", "LOCK_TOKEN", "X_OC_MTIME", "OC_CHECKSUM"),
    *("CONTENT_MD5", "CONTENT_DIGEST", "REPR_DIGEST", "WANT_REPR_DIGEST", "X_EXPECTED_ENTITY_LENGTH"),
    *("CONTENT_RANGE", "ACCEPT_ENCODING", "BRIEF", "PREFER"),
]
_headers = st.dictionaries(st.sampled_from([f"HTTP_{name}" for name in HEADERS]), _header, max_size=5)
_body = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b'<propfind xmlns="DAV:"><allprop/></propfind>',
            b'<propfind xmlns="DAV:"><prop><x xmlns="">y</x><lockdiscovery/></prop></propfind>',
            b'<propertyupdate xmlns="DAV:"><set><prop><a xmlns="b">c</a></prop></set></propertyupdate>',
            b'<propertyupdate xmlns="DAV:"><remove><prop><getetag>x</getetag></prop></remove></propertyupdate>',
            b'<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>',
            b'<mkcol xmlns="DAV:"><set><prop><resourcetype><collection/></resourcetype></prop></set></mkcol>',
            b'<?xml version="1.0" encoding="utf-7"?><a/>',
            b"<" * 300,
        ]
    ),
)


@settings(max_examples=examples(400))
@given(st.sampled_from(METHODS), _path, _headers, _body, st.sampled_from(["", "text/xml", "text/plain"]))
def test_no_request_is_a_fault_of_the_server(
    ask: Ask, method: str, path: str, headers: dict[str, str], body: bytes, kind: str
) -> None:
    status = ask({"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_TYPE": kind, **headers}, body)
    assert int(status[:3]) < 500 or status[:3] in ("501", "502", "507")


def test_the_fuzzed_application_works(ask: Ask) -> None:
    nobody_locked = {"filehost.user": SimpleNamespace(name="bob")}  # whatever was locked above is alice's
    assert ask({"REQUEST_METHOD": "PUT", "PATH_INFO": "/works.txt", **nobody_locked}, b"x").startswith("20")
    assert ask({"REQUEST_METHOD": "GET", "PATH_INFO": "/works.txt", **nobody_locked}, b"").startswith("200")
