"""The headers that protect: every kind of answer of the whole server, and what each of them must carry."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from harness.dav import Answer, Client
from harness.page import BROWSER
from harness.server import Account, Server

NOSNIFF = ("X-Content-Type-Options", r"nosniff")
NO_FRAME = ("Content-Security-Policy", r".*frame-ancestors 'none'.*")
NOTHING_RUNS = ("Content-Security-Policy", r".*(default|script)-src '(none|self)'.*")
OWN_SITE = ("Cross-Origin-Resource-Policy", r"same-origin")
NO_REFERRER = ("Referrer-Policy", r"same-origin")
NO_SENSORS = ("Permissions-Policy", r".*camera=\(\).*geolocation=\(\).*")
NOT_KEPT = ("Cache-Control", r"no-store")
PRIVATE = ("Cache-Control", r"private, no-cache")
HTTPS = ("Strict-Transport-Security", r"max-age=86400")

SEEN = (NOSNIFF, NOTHING_RUNS, OWN_SITE, NO_REFERRER, HTTPS)  # what a browser may be led to
PAGE = (*SEEN, NO_FRAME, NO_SENSORS, ("Cross-Origin-Opener-Policy", r"same-origin"))

# kind of answer: (method, path, as a browser?, signed in?, status, what it must carry)
ANSWERS = {
    "the way to the sign-in page": ("GET", "/", True, False, 303, (*PAGE, NOT_KEPT)),
    "the sign-in page": ("GET", "/.filehost/signin", True, False, 200, (*PAGE, NOT_KEPT)),
    "a folder's page": ("GET", "/?plain", True, True, 200, (*PAGE, NOT_KEPT)),
    "the account page": ("GET", "/.filehost/account", True, True, 200, (*PAGE, NOT_KEPT)),
    "data for the page": ("GET", "/.filehost/page", False, True, 200, (*PAGE, NOT_KEPT)),
    "an asset": ("GET", "ASSET", True, False, 200, PAGE),
    "an asset that is not there": ("GET", "/.filehost/assets/x/none.js", True, False, 404, PAGE),
    "an archive": ("GET", "/.filehost/zip?path=/a.txt", True, True, 200, (*PAGE, NOT_KEPT)),
    "a text": ("GET", "/a.txt", False, True, 200, (*SEEN, PRIVATE, ("Content-Security-Policy", "sandbox.*"))),
    "a text's head": ("HEAD", "/a.txt", False, True, 200, (*SEEN, PRIVATE)),
    "a part of a text": ("GET", "/a.txt", False, True, 206, (*SEEN, PRIVATE)),
    "a picture": ("GET", "/a.png", False, True, 200, (*SEEN, PRIVATE)),
    "a document": ("GET", "/a.docx", False, True, 200, (*SEEN, ("Content-Disposition", "attachment;.*"))),
    "a PDF": ("GET", "/a.pdf", False, True, 200, (NOSNIFF, OWN_SITE, NO_REFERRER, PRIVATE, HTTPS)),
    "a folder over WebDAV": ("GET", "/", False, True, 200, SEEN),
    "a listing": ("PROPFIND", "/", False, True, 207, (NOSNIFF, HTTPS)),
    "changed properties": ("PROPPATCH", "/a.txt", False, True, 207, (NOSNIFF, HTTPS)),
    "a lock": ("LOCK", "/lock.txt", False, True, 201, (NOSNIFF, HTTPS)),
    "a file that is not there": ("GET", "/none.txt", False, True, 404, (*SEEN, NO_FRAME)),
    "a refused name": ("PUT", "/a.exe", False, True, 403, (*SEEN, NO_FRAME)),
    "a request for a password": ("PROPFIND", "/", False, False, 401, (*SEEN, NO_FRAME)),
    "another site's change": ("DELETE", "/a.txt", True, True, 403, PAGE),
    "health": ("GET", "/.filehost/health/live", True, False, 200, (*SEEN, NO_FRAME, NOT_KEPT)),
    "readiness": ("GET", "/.filehost/health/ready", False, False, 200, (*SEEN, NO_FRAME, NOT_KEPT)),
    "what is no request": ("GET", "/%zz", False, False, 400, (NOSNIFF,)),
}
MORE = {
    "a part of a text": {"Range": "bytes=0-1"},
    "another site's change": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
}
BODIES = {
    "changed properties": '<propertyupdate xmlns="DAV:"><set><prop><x xmlns=""/></prop></set></propertyupdate>',
    "a lock": '<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>',
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"FILEHOST_TLS_HSTS": "1 d", "FILEHOST_POLICY_CONTENT": "false"}
    running = Server(tmp_path_factory.mktemp("data"), settings, way="tls-1").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def anna(server: Server) -> Account:
    account = server.add_user("anna")
    with Client(server, account) as client:
        for name in ("a.txt", "a.png", "a.docx", "a.pdf"):
            assert client.put(f"/{name}", b"content").status == 201
    return account


def asked(server: Server, anna: Account, kind: str) -> Answer:
    method, path, by_browser, signed_in, _, _ = ANSWERS[kind]
    with Client(server, anna if signed_in else None) as client:
        if path == "ASSET":
            page = client("GET", "/.filehost/signin", headers=BROWSER).body.decode()
            found = re.search(r'"(/\.filehost/assets/[^"]+\.css)"', page)
            assert found is not None
            path = found[1]
        headers = {**(BROWSER if by_browser else {}), **MORE.get(kind, {})}
        return client(method, path, BODIES.get(kind), headers)


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_carries_what_protects_it(server: Server, anna: Account, kind: str) -> None:
    answer = asked(server, anna, kind)
    *_, status, wanted = ANSWERS[kind]
    assert answer.status == status
    missing = [
        (name, pattern)
        for name, pattern in wanted
        if not any(re.fullmatch(pattern, value) for value in answer.headers.get_all(name, []))
    ]
    assert missing == []


@pytest.mark.parametrize("kind", ANSWERS)
def test_no_answer_says_what_it_is_made_of(server: Server, anna: Account, kind: str) -> None:
    answer = asked(server, anna, kind)
    assert answer["Server"] == "Filehost-DAV"
    assert not {"x-powered-by", "via"} & {name.lower() for name in answer.headers}
    for text in (str(answer.headers), answer.body.decode("utf-8", "replace")):
        assert not re.search(r"(?i)wsgidav|cheroot|python/|traceback", text)


@pytest.mark.parametrize("kind", ANSWERS)
def test_no_header_is_said_twice(server: Server, anna: Account, kind: str) -> None:
    names = [name.lower() for name in asked(server, anna, kind).headers if name.lower() != "set-cookie"]
    assert sorted(names) == sorted(set(names))
