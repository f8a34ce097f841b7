"""Two users with the same paths: whatever one does, the other's files, locks and properties stay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.dav import Answer, Client
from harness.stock import Site

COLOR = "{urn:test}color"
PROPPATCH = (
    '<propertyupdate xmlns="DAV:"><set><prop><color xmlns="urn:test">{}</color></prop></set></propertyupdate>'
)
LOCKDISCOVERY = "{DAV:}lockdiscovery"


@pytest.fixture
def pair(ours: Site) -> tuple[Client, Client]:
    """Alice and bob."""
    return ours("alice"), ours("bob")


@pytest.fixture
def users(pair: tuple[Client, Client], account: object) -> tuple[Client, Client]:
    """Both with /a.txt, /folder/b.txt of their own; alice with a lock and a property on hers."""
    for client, name in zip(pair, ("alice", "bob"), strict=True):
        client("DELETE", "/folder")
        client("MKCOL", "/folder")
        client.put("/a.txt", name)
        client.put("/folder/b.txt", name)
    alice, _ = pair
    alice("PROPPATCH", "/a.txt", PROPPATCH.format("red"))
    alice.lock("/a.txt")
    alice.lock("/folder", owner="alice herself")
    return pair


DOINGS: dict[str, tuple[Callable[[Client], Answer], int]] = {
    "OPTIONS": (lambda c: c("OPTIONS", "/a.txt"), 200),
    "GET": (lambda c: c.get("/a.txt"), 200),
    "HEAD": (lambda c: c("HEAD", "/a.txt"), 200),
    "PUT": (lambda c: c.put("/a.txt", b"bob again"), 204),
    "PUT new": (lambda c: c.put("/folder/new.txt", b"bob"), 201),
    "DELETE": (lambda c: c("DELETE", "/a.txt"), 204),
    "DELETE folder": (lambda c: c("DELETE", "/folder"), 204),
    "MKCOL": (lambda c: c("MKCOL", "/folder/new"), 201),
    "COPY": (lambda c: c.copy("/folder/b.txt", "/a.txt"), 204),
    "MOVE": (lambda c: c.move("/a.txt", "/folder/b.txt"), 204),
    "MOVE folder": (lambda c: c.move("/folder", "/elsewhere"), 201),
    "PROPFIND": (lambda c: c.propfind("/"), 207),
    "PROPPATCH": (lambda c: c("PROPPATCH", "/a.txt", PROPPATCH.format("blue")), 207),
    "LOCK": (lambda c: c.lock("/a.txt"), 200),
    "LOCK folder": (lambda c: c.lock("/"), 200),
    "LOCK new": (lambda c: c.lock("/folder/new.txt"), 201),
    "upwards": (lambda c: c.put("/../alice/a.txt", b"bob"), 403),
    "upwards, encoded": (lambda c: c.put("/..%2falice/a.txt", b"bob"), 400),
    "by name": (lambda c: c.get("/alice/a.txt"), 404),
    "MOVE upwards": (lambda c: c("MOVE", "/a.txt", None, {"Destination": "/..%2Falice%2Fa.txt"}), 403),
    "COPY by name": (lambda c: c("COPY", "/a.txt", None, {"Destination": "/alice/a.txt"}), 409),
}


LOCKED = {"LOCK": "/a.txt", "LOCK folder": "/", "LOCK new": "/folder/new.txt"}


@pytest.mark.parametrize("doing", DOINGS)
def test_what_one_user_does_leaves_the_other_alone(users: tuple[Client, Client], doing: str) -> None:
    alice, bob = users
    act, status = DOINGS[doing]
    before = _all_of(alice)
    answer = act(bob)
    assert answer.status == status
    assert b"alice" not in answer.body.replace(b"/alice/", b"")
    assert _all_of(alice) == before
    if doing in LOCKED and answer.status < 300:
        bob.unlock(LOCKED[doing], answer.lock_token)
    bob("DELETE", "/elsewhere")


def test_a_lock_is_no_use_to_another_user(users: tuple[Client, Client]) -> None:
    alice, bob = users
    alice("DELETE", "/new.txt")
    token = alice.lock("/new.txt").lock_token
    assert bob.unlock("/new.txt", token).status == 409
    assert bob("PUT", "/a.txt", b"x", {"If": f"(<{token}>)"}).status == 412
    assert alice.put("/new.txt", b"x").status == 423
    alice.unlock("/new.txt", token)
    alice("DELETE", "/new.txt")


def _all_of(client: Client) -> list[object]:
    """Everything there is to see of a user's files: bytes, members, properties, locks."""
    found = client.propfind("/a.txt", "0", [COLOR, LOCKDISCOVERY, "{DAV:}getetag"]).responses()["/a.txt"]
    return [
        client.get("/a.txt").body,
        client.get("/folder/b.txt").body,
        client.names("/"),
        client.names("/folder"),
        *("".join(element.itertext()) for _, element in sorted(found.items())),
    ]
