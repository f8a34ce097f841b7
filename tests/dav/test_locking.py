"""LOCK and UNLOCK over HTTP, and what every other method does where a lock stands."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from harness.dav import Answer, Client
from harness.server import Server

DAV = "{DAV:}"
LOCKINFO = (
    '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype>{owner}</lockinfo>'
)
PROPPATCH = '<propertyupdate xmlns="DAV:"><set><prop><c xmlns="urn:t">red</c></prop></set></propertyupdate>'


def condition(token: str) -> dict[str, str]:
    return {"If": f"(<{token}>)"}


def active(answer: Answer) -> ET.Element:
    """The one activelock of a LOCK answer."""
    (element,) = ET.fromstring(answer.body).findall(f"{DAV}lockdiscovery/{DAV}activelock")
    return element


def refused(answer: Answer) -> list[str]:
    """The locks that a 423 names."""
    assert answer.status == 423
    return [href.text or "" for href in ET.fromstring(answer.body).findall(f"*/{DAV}href")]


@pytest.fixture
def tree(client: Client) -> Client:
    """/a.txt, /folder/a.txt, /folder/inner/deep.txt, /other."""
    for folder in ("/folder", "/folder/inner", "/other"):
        assert client("MKCOL", folder).status == 201
    for name in ("/a.txt", "/folder/a.txt", "/folder/inner/deep.txt"):
        assert client.put(name, b"old").status == 201
    return client


def test_a_lock_is_described_as_clients_expect(tree: Client) -> None:
    answer = tree.lock("/a.txt", owner="<href>mailto:me@example.org</href>", Timeout="Second-600")
    assert answer.status == 200
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    assert re.fullmatch(r"<opaquelocktoken:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}>", answer["Lock-Token"])
    lock = active(answer)
    assert lock.find(f"{DAV}lockscope/{DAV}exclusive") is not None
    assert lock.find(f"{DAV}locktype/{DAV}write") is not None
    assert lock.findtext(f"{DAV}depth") == "0"
    assert lock.findtext(f"{DAV}timeout") == "Second-600"
    assert lock.findtext(f"{DAV}owner/{DAV}href") == "mailto:me@example.org"
    assert lock.findtext(f"{DAV}locktoken/{DAV}href") == answer.lock_token
    assert lock.findtext(f"{DAV}lockroot/{DAV}href") == "/a.txt"


@pytest.mark.parametrize(
    ("path", "depth", "expected"),
    [
        ("/a.txt", None, "0"),
        ("/a.txt", "infinity", "0"),
        ("/new.txt", None, "0"),
        ("/folder", None, "infinity"),
        ("/folder/", "infinity", "infinity"),
        ("/folder", "0", "0"),
        ("/", "infinity", "infinity"),
        ("/folder", "1", None),
        ("/folder", "many", None),
    ],
)
def test_how_deep_a_lock_reaches(tree: Client, path: str, depth: str | None, expected: str | None) -> None:
    answer = tree.lock(path, **({} if depth is None else {"Depth": depth}))
    if expected is None:
        assert answer.status == 400
    else:
        assert active(answer).findtext(f"{DAV}depth") == expected


CHANGES: dict[str, Callable[[Client, dict[str, str]], Answer]] = {
    "PUT": lambda c, h: c("PUT", "/folder/a.txt", b"new", h),
    "PUT new": lambda c, h: c("PUT", "/folder/new.txt", b"new", h),
    "MKCOL": lambda c, h: c("MKCOL", "/folder/new", None, h),
    "DELETE": lambda c, h: c("DELETE", "/folder/a.txt", None, h),
    "DELETE folder": lambda c, h: c("DELETE", "/folder", None, h),
    "PROPPATCH": lambda c, h: c("PROPPATCH", "/folder/a.txt", PROPPATCH, h),
    "PROPPATCH folder": lambda c, h: c("PROPPATCH", "/folder", PROPPATCH, h),
    "MOVE out": lambda c, h: c("MOVE", "/folder/a.txt", None, {"Destination": "/b.txt", **h}),
    "MOVE folder": lambda c, h: c("MOVE", "/folder", None, {"Destination": "/moved", **h}),
    "MOVE in": lambda c, h: c("MOVE", "/a.txt", None, {"Destination": "/folder/b.txt", **h}),
    "MOVE over": lambda c, h: c("MOVE", "/a.txt", None, {"Destination": "/folder/a.txt", **h}),
    "COPY in": lambda c, h: c("COPY", "/a.txt", None, {"Destination": "/folder/b.txt", **h}),
    "COPY over": lambda c, h: c("COPY", "/a.txt", None, {"Destination": "/folder/a.txt", **h}),
    "COPY over folder": lambda c, h: c("COPY", "/other", None, {"Destination": "/folder", **h}),
    "LOCK": lambda c, h: c.lock("/folder/a.txt", **h),
    "LOCK new": lambda c, h: c.lock("/folder/new.txt", **h),
    "LOCK above": lambda c, h: c.lock("/", **h),
    "COPY out": lambda c, h: c("COPY", "/folder/a.txt", None, {"Destination": "/b.txt", **h}),
    "GET": lambda c, h: c("GET", "/folder/a.txt", None, h),
    "PROPFIND": lambda c, h: c("PROPFIND", "/folder", None, {"Depth": "1", **h}),
}
READS = {"COPY out", "GET", "PROPFIND"}
# What a lock of this place and depth stops; everything else goes on.
STOPS = {
    ("/folder", "infinity"): set(CHANGES) - READS,
    ("/folder", "0"): {
        *("PUT new", "MKCOL", "DELETE", "DELETE folder", "PROPPATCH folder", "MOVE out", "MOVE folder"),
        *("MOVE in", "COPY in", "COPY over folder", "LOCK new", "LOCK above"),
    },
    ("/folder/a.txt", "0"): {
        *("PUT", "DELETE", "DELETE folder", "PROPPATCH", "MOVE out", "MOVE folder", "MOVE over", "COPY over"),
        *("COPY over folder", "LOCK", "LOCK above"),
    },
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", STOPS, ids=" ".join)
def test_what_a_lock_stops(tree: Client, place: tuple[str, str], change: str) -> None:
    path, depth = place
    tree.lock(path, Depth=depth)
    answer = CHANGES[change](tree, {})
    if change not in STOPS[place]:
        assert answer.status < 300
        return
    assert refused(answer) == [path]
    assert tree.get("/folder/a.txt").body == b"old"
    assert tree.get("/folder/inner/deep.txt").body == b"old"
    assert tree.get("/a.txt").body == b"old"
    assert tree.get("/folder/new.txt").status == 404
    assert tree.get("/b.txt").status == 404


@pytest.mark.parametrize("change", [name for name in CHANGES if not name.startswith("LOCK")])
@pytest.mark.parametrize("place", STOPS, ids=" ".join)
def test_who_names_the_lock_may_go_on(tree: Client, place: tuple[str, str], change: str) -> None:
    path, depth = place
    token = tree.lock(path, Depth=depth).lock_token
    answer = CHANGES[change](tree, {"If": f"<{tree.url(path)}> (<{token}>)"})
    assert answer.status < 300


def test_a_lock_of_someone_else_is_named_in_the_refusal_of_another_lock(tree: Client) -> None:
    tree.lock("/folder/inner/deep.txt")
    answer = tree.lock("/folder")
    assert refused(answer) == ["/folder/inner/deep.txt"]
    assert ET.fromstring(answer.body).find(f"{DAV}no-conflicting-lock") is not None


def test_a_folder_with_a_locked_member_is_deleted_whole_or_not_at_all(tree: Client) -> None:
    token = tree.lock("/folder/inner/deep.txt").lock_token
    assert refused(tree("DELETE", "/folder")) == ["/folder/inner/deep.txt"]
    assert tree.get("/folder/a.txt").body == b"old"
    headers = {"If": f"<{tree.url('/folder/inner/deep.txt')}> (<{token}>)"}
    assert tree("DELETE", "/folder", None, headers).status == 204
    tree("MKCOL", "/folder")
    tree("MKCOL", "/folder/inner")
    assert tree.put("/folder/inner/deep.txt", b"new").status == 201  # the lock is gone with the file


def test_shared_locks_get_along_and_either_holder_may_write(tree: Client) -> None:
    first, second = (tree.lock("/a.txt", scope="shared") for _ in range(2))
    assert (first.status, second.status) == (200, 200)
    assert first.lock_token != second.lock_token
    assert tree.lock("/a.txt").status == 423
    assert tree.put("/a.txt", b"new").status == 423
    for answer in (first, second):
        assert tree("PUT", "/a.txt", b"new", condition(answer.lock_token)).status == 204
    assert tree.unlock("/a.txt", first.lock_token).status == 204
    assert tree.put("/a.txt", b"new").status == 423


def test_a_lock_on_a_new_name_makes_an_empty_file(client: Client) -> None:
    answer = client.lock("/new.txt")
    assert answer.status == 201
    assert client.get("/new.txt").body == b""
    assert client.put("/new.txt", b"x").status == 423
    assert client("PUT", "/new.txt", b"x", condition(answer.lock_token)).status == 204


@pytest.mark.parametrize(
    ("path", "status"), [("/evil.exe", 403), ("/none/a.txt", 409), ("/a.txt/b.txt", 409), ("/a%01.txt", 403)]
)
def test_a_lock_where_no_file_may_be_leaves_neither_file_nor_lock(tree: Client, path: str, status: int) -> None:
    assert tree.lock(path).status == status
    assert tree.get(path).status in (404, 409)
    assert tree.lock("/").status == 200  # nothing below is locked


@pytest.mark.parametrize(
    "body",
    [
        LOCKINFO.replace("<write/>", "<read/>"),
        LOCKINFO.replace("<exclusive/>", "<private/>"),
        LOCKINFO.replace("<lockscope><exclusive/></lockscope>", ""),
        LOCKINFO.replace("lockinfo", "lock"),
        LOCKINFO[:-3],
        "<lockinfo/>",
        LOCKINFO.format(owner="<owner>" + "x" * 5000 + "</owner>"),
        '<!DOCTYPE x [<!ENTITY e "e">]>' + LOCKINFO.format(owner="<owner>&e;</owner>"),
    ],
)
def test_a_lock_that_is_not_understood_is_refused(client: Client, body: str) -> None:
    assert client("LOCK", "/a.txt", body.replace("{owner}", "")).status == 400
    assert client.get("/a.txt").status == 404


def test_a_lock_sent_chunked_is_understood(tree: Client) -> None:
    answer = tree("LOCK", "/a.txt", iter([LOCKINFO.format(owner="").encode()]))
    assert answer.status == 200
    assert answer.lock_token


@pytest.mark.parametrize("owner", ["", "<owner/>", "<owner>Åsa &amp; <b>x</b></owner>"])
def test_the_owner_comes_back_as_it_was_written(tree: Client, owner: str) -> None:
    answer = tree("LOCK", "/a.txt", LOCKINFO.format(owner=owner).encode())
    found = active(answer).find(f"{DAV}owner")
    if not owner:
        assert found is None
    else:
        assert found is not None
        assert "".join(found.itertext()) == "".join(ET.fromstring(owner).itertext())


def test_a_lock_is_refreshed_by_an_empty_lock_with_its_token(tree: Client) -> None:
    token = tree.lock("/folder", Timeout="Second-60").lock_token
    answer = tree("LOCK", "/folder/a.txt", None, {"Timeout": "Second-500", **condition(token)})
    assert answer.status == 200
    assert answer.headers["Lock-Token"] is None
    assert active(answer).findtext(f"{DAV}timeout") == "Second-500"
    assert active(answer).findtext(f"{DAV}lockroot/{DAV}href") == "/folder/"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"If": "(<opaquelocktoken:other>)"}, 412),
        ({"If": "(<opaquelocktoken:one>) (<opaquelocktoken:two>)"}, 400),
    ],
)
def test_a_refresh_names_the_one_lock_it_means(tree: Client, headers: dict[str, str], status: int) -> None:
    tree.lock("/a.txt")
    assert tree("LOCK", "/a.txt", None, headers).status == status


def test_a_refresh_elsewhere_is_refused(tree: Client) -> None:
    token = tree.lock("/a.txt").lock_token
    assert tree("LOCK", "/folder/a.txt", None, condition(token)).status == 412


@pytest.mark.parametrize("shape", ["<{}>", "{}", " <{}> "])
def test_unlock_takes_the_token_with_and_without_brackets(tree: Client, shape: str) -> None:
    token = tree.lock("/a.txt").lock_token
    assert tree("UNLOCK", "/a.txt", headers={"Lock-Token": shape.format(token)}).status == 204
    assert tree.put("/a.txt", b"new").status == 204


def test_unlock_works_from_below_a_deep_lock(tree: Client) -> None:
    token = tree.lock("/folder").lock_token
    assert tree.unlock("/folder/a.txt", token).status == 204
    assert tree.put("/folder/a.txt", b"new").status == 204


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/a.txt", {}, 400),
        ("/a.txt", {"Lock-Token": "<opaquelocktoken:other>"}, 409),
        ("/folder/a.txt", {"Lock-Token": "<{token}>"}, 409),
    ],
)
def test_unlock_names_a_lock_that_is_there(
    tree: Client, path: str, headers: dict[str, str], status: int
) -> None:
    token = tree.lock("/a.txt").lock_token
    filled = {name: value.format(token=token) for name, value in headers.items()}
    assert tree("UNLOCK", path, headers=filled).status == status
    assert tree.put("/a.txt", b"new").status == 423


def test_a_lock_does_not_move_with_its_file(tree: Client) -> None:
    token = tree.lock("/a.txt").lock_token
    assert tree("MOVE", "/a.txt", None, {"Destination": "/b.txt", **condition(token)}).status == 201
    assert tree.put("/a.txt", b"new").status == 201
    assert tree.put("/b.txt", b"new").status == 204


def test_a_lock_on_the_target_stays_when_a_file_is_moved_over_it(tree: Client) -> None:
    token = tree.lock("/folder/a.txt").lock_token
    headers = {"Destination": "/folder/a.txt", "If": f"<{tree.url('/folder/a.txt')}> (<{token}>)"}
    assert tree("MOVE", "/a.txt", None, headers).status == 204
    assert tree.put("/folder/a.txt", b"new").status == 423
    assert tree("PUT", "/folder/a.txt", b"new", condition(token)).status == 204


def test_locks_below_a_replaced_folder_end(tree: Client) -> None:
    token = tree.lock("/folder/a.txt").lock_token
    headers = {"Destination": "/folder", "If": f"<{tree.url('/folder/a.txt')}> (<{token}>)"}
    assert tree("COPY", "/other", None, headers).status == 204
    assert tree.put("/folder/a.txt", b"new").status == 201


def test_a_condition_on_a_lock_of_the_wrong_resource_does_not_hold(tree: Client) -> None:
    token = tree.lock("/folder/a.txt").lock_token
    assert tree("PUT", "/a.txt", b"new", condition(token)).status == 412
    assert tree("PUT", "/a.txt", b"new", {"If": f"(Not <{token}>)"}).status == 204


def race(clients: list[Client], attempt: Callable[[Client], Answer]) -> list[int]:
    """The statuses of one attempt of each client, made at the same time."""
    start = threading.Barrier(len(clients))

    def run(client: Client) -> int:
        start.wait()
        return attempt(client).status

    with ThreadPoolExecutor(len(clients)) as pool:
        return sorted(pool.map(run, clients))


@pytest.mark.slow
def test_of_many_that_race_across_workers_exactly_one_wins(start_server: Callable[..., Server]) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="2")
    account = server.add_user("alice")
    clients = [Client(server, account) for _ in range(4)]
    for number in range(500):
        locked, written = f"/lock{number}.txt", f"/put{number}.txt"
        statuses = race(clients, partial(Client.lock, path=locked))
        assert statuses in ([200, 423, 423, 423], [201, 423, 423, 423])
        statuses = race(clients, partial(Client.put, path=written, body=b"x", If_None_Match="*"))
        assert statuses == [201, 412, 412, 412]
    for client in clients:
        client.close()


def test_a_lock_holds_across_workers_and_survives_a_restart(start_server: Callable[..., Server]) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="2")
    account = server.add_user("alice")
    with Client(server, account) as client:
        token = client.lock("/a.txt").lock_token
    for _ in range(8):  # each connection may be another worker
        with Client(server, account) as client:
            assert client.put("/a.txt", b"new").status == 423
    server.stop()
    again = start_server(data=server.data)
    with Client(again, account) as client:
        assert client.put("/a.txt", b"new").status == 423
        assert client("PUT", "/a.txt", b"new", condition(token)).status == 204
