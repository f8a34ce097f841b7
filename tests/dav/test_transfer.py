"""COPY and MOVE over HTTP: where to, what is replaced, what comes along."""

from __future__ import annotations

import pytest
from harness.dav import Client

BODY = b"a body"


@pytest.fixture
def tree(client: Client) -> Client:
    """/a.txt, /b.txt, /folder/inner/deep.txt, /folder/f.txt, /full.txt/old.txt, /empty."""
    for folder in ("/folder", "/folder/inner", "/full.txt", "/empty"):
        assert client("MKCOL", folder).status == 201
    for name in ("/a.txt", "/folder/f.txt", "/folder/inner/deep.txt"):
        assert client.put(name, BODY).status == 201
    for name in ("/b.txt", "/full.txt/old.txt"):
        assert client.put(name, b"old").status == 201
    return client


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize(
    ("source", "target", "headers", "status"),
    [
        ("/a.txt", "/new.txt", {}, 201),
        ("/a.txt", "/b.txt", {}, 204),
        ("/a.txt", "/b.txt", {"Overwrite": "T"}, 204),
        ("/a.txt", "/b.txt", {"Overwrite": "t"}, 204),
        ("/a.txt", "/b.txt", {"Overwrite": "F"}, 412),
        ("/a.txt", "/new.txt", {"Overwrite": "F"}, 201),
        ("/a.txt", "/new.txt", {"Overwrite": "maybe"}, 400),
        ("/a.txt", "/a.txt", {}, 403),
        ("/a.txt", "/none/new.txt", {}, 409),
        ("/a.txt", "/b.txt/new.txt", {}, 409),
        ("/a.txt", "/full.txt", {}, 204),
        ("/none.txt", "/new.txt", {}, 404),
        ("/folder", "/new", {}, 201),
        ("/folder/", "/new/", {}, 201),
        ("/folder", "/full.txt", {}, 204),
        ("/folder", "/b.txt", {}, 204),
        ("/folder", "/folder", {}, 403),
        ("/folder", "/folder/inner/itself", {}, 403),
        ("/folder/inner", "/folder", {}, 403),
        ("/folder", "/new", {"Depth": "infinity"}, 201),
        ("/folder", "/new", {"Depth": "7"}, 400),
        ("/folder", "/new", {"Depth": "1"}, 400),
        ("/a.txt", "/new.txt", {"Depth": "0"}, 201),
        ("/a.txt", "/new.txt", {"If-Match": '"other"'}, 412),
        ("/a.txt", "/new.txt", {"If-Match": "*"}, 201),
        ("/a.txt", "/new.txt", {"If": '(["other"])'}, 412),
        ("/", "/new", {}, 403),
    ],
)
def test_what_is_copied_or_moved_where(
    tree: Client, method: str, source: str, target: str, headers: dict[str, str], status: int
) -> None:
    answer = tree(method, source, headers={"Destination": tree.url(target), **headers})
    assert answer.status == status
    if status in (201, 204):
        member = "" if source.startswith("/a") else "/inner/deep.txt"
        assert tree.get(target.rstrip("/") + member).body == BODY
        assert (tree.get(source).status == 200) is (method == "COPY")
        assert (tree.get("/full.txt/old.txt").status == 200) is (target != "/full.txt")
    else:
        assert tree.get("/a.txt").body == BODY
        assert tree.get("/folder/inner/deep.txt").body == BODY
        assert tree.get("/b.txt").body == b"old"
        assert tree.get("/new.txt").status == 404


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.parametrize(
    ("destination", "path"),
    [
        ("https://elsewhere.example:8443/new.txt", "/new.txt"),
        ("webdavs://elsewhere.example/new.txt", "/new.txt"),
        ("/new.txt", "/new.txt"),
        ("/sp ace.txt", "/sp%20ace.txt"),
        ("/semi%3Bcolon%3Dx.txt", "/semi%3Bcolon%3Dx.txt"),
        ("/per%2525cent.txt", "/per%2525cent.txt"),
        ("/hash%23tag.txt", "/hash%23tag.txt"),
        ("/e%CC%81.txt", "/%C3%A9.txt"),
        ("//new.txt", "/new.txt"),
    ],
)
def test_the_destination_is_its_path_alone(tree: Client, method: str, destination: str, path: str) -> None:
    answer = tree(method, "/a.txt", headers={"Destination": destination})
    assert answer.status == 201
    assert tree.get(path).body == BODY


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        (None, 400),
        ("", 400),
        ("/%ff.txt", 403),
        ("/../x.txt", 403),
        ("/%00.txt", 403),
        ("/a%2F..%2Fx.txt", 403),
    ],
)
def test_a_destination_that_names_no_place_is_refused(
    tree: Client, destination: str | None, status: int
) -> None:
    headers = {} if destination is None else {"Destination": destination}
    assert tree("MOVE", "/a.txt", headers=headers).status == status
    assert tree.get("/a.txt").body == BODY


def test_a_copy_of_depth_0_is_the_folder_alone(tree: Client) -> None:
    assert tree.copy("/folder", "/new", Depth="0").status == 201
    assert tree.get("/new").status == 200
    assert tree.get("/new/f.txt").status == 404


def test_a_folder_does_not_move_by_halves(tree: Client) -> None:
    assert tree.move("/folder", "/new", Depth="0").status == 400
    assert tree.get("/folder/f.txt").body == BODY


def test_a_moved_file_keeps_its_etag(tree: Client) -> None:
    etag = tree.get("/a.txt").etag
    assert tree.move("/a.txt", "/new.txt").etag == etag
    assert tree.get("/new.txt").etag == etag


def test_folders_are_replaced_and_not_merged(tree: Client) -> None:
    assert tree.copy("/folder", "/full.txt").status == 204
    assert tree.get("/full.txt/old.txt").status == 404


def test_a_new_target_is_named_in_the_answer(tree: Client) -> None:
    assert tree.copy("/a.txt", "/%C3%A9%20x.txt")["Location"] == "/%C3%A9%20x.txt"
