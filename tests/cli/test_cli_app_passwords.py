"""App passwords over HTTP: what each bound lets through, method by method."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from harness.dav import Client
from harness.server import Account, Server, run
from harness.ways import every_way

__all__ = ["every_way"]

MakeClient = Callable[..., Client]


@pytest.fixture
def bounded(server: Server, account: Account) -> Iterator[MakeClient]:
    """A client with an app password of the fresh user, made with these options."""
    opened: list[Client] = []

    def make(*options: str) -> Client:
        client = Client(
            server, Account(account.name, secret(server, account, f"device{len(opened)}", *options))
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


def secret(server: Server, account: Account, device: str, *options: str) -> str:
    return run("app-password", "add", account.name, device, *options, "--data", str(server.data)).stdout.strip()


@pytest.fixture(autouse=True)
def tree(client: Client) -> None:
    """/a.txt, /Scans/b.txt, /Scans/2026/c.txt, /Other/d.txt, by the account's own password."""
    for folder in ("/Scans", "/Scans/2026", "/Other"):
        client("MKCOL", folder)
    for file in FILES:
        client("PUT", file, b"x")


FILES = ("/a.txt", "/Scans/b.txt", "/Scans/2026/c.txt", "/Other/d.txt")
LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
PATCH = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">1</x></prop></set></propertyupdate>'
CHANGES = {
    "PUT": ("PUT", "/Scans/new.txt", b"x", {}),
    "overwrite": ("PUT", "/Scans/b.txt", b"x", {}),
    "MKCOL": ("MKCOL", "/Scans/new", None, {}),
    "COPY": ("COPY", "/Scans/b.txt", None, {"Destination": "/Scans/e.txt"}),
    "MOVE": ("MOVE", "/Scans/e.txt", None, {"Destination": "/Scans/f.txt"}),
    "PROPPATCH": ("PROPPATCH", "/Scans/b.txt", PATCH, {}),
    "DELETE": ("DELETE", "/Scans/2026/c.txt", None, {}),
    "LOCK": ("LOCK", "/Scans/b.txt", LOCK, {}),
}
READS = {
    "GET": ("GET", "/Scans/b.txt", None, {}),
    "HEAD": ("HEAD", "/Scans/b.txt", None, {}),
    "PROPFIND": ("PROPFIND", "/Scans/", None, {"Depth": "1"}),
    "OPTIONS": ("OPTIONS", "/", None, {}),
}
OUTSIDE = {
    "GET": ("GET", "/a.txt", None, {}),
    "PROPFIND": ("PROPFIND", "/Other/", None, {"Depth": "1"}),
    "PUT": ("PUT", "/a.txt", b"y", {}),
    "MKCOL": ("MKCOL", "/new", None, {}),
    "DELETE": ("DELETE", "/a.txt", None, {}),
    "DELETE the folder itself": ("DELETE", "/Scans", None, {}),
    "MOVE the folder itself": ("MOVE", "/Scans", None, {"Destination": "/Scans/2026/x"}),
    "COPY in": ("COPY", "/a.txt", None, {"Destination": "/Scans/e.txt"}),
    "COPY out": ("COPY", "/Scans/b.txt", None, {"Destination": "/e.txt"}),
    "MOVE out": ("MOVE", "/Scans/b.txt", None, {"Destination": "/e.txt"}),
    "MOVE over": ("MOVE", "/Scans/b.txt", None, {"Destination": "/Other/d.txt"}),
    "LOCK above": ("LOCK", "/", LOCK, {"Depth": "infinity"}),
    "LOCK a new name": ("LOCK", "/new.txt", LOCK, {}),
    "PROPPATCH above": ("PROPPATCH", "/", PATCH, {}),
    "trash": ("PROPFIND", "/.filehost/trash/", None, {"Depth": "1"}),
    "dots": ("GET", "/Scans/%2e%2e/a.txt", None, {}),
    "both spellings": ("GET", "/Scans/../a.txt", None, {}),
}


def everything(client: Client) -> list[object]:
    """All paths and contents, as the account sees them."""
    folders = [client.propfind(folder).paths for folder in ("/", "/Scans/", "/Scans/2026/", "/Other/")]
    return [*folders, *(client("GET", file).body for file in FILES)]


@pytest.mark.parametrize("options", [(), ("--folder", "/Scans")], ids=["no bounds", "folder"])
def test_within_its_bounds_it_does_everything(bounded: MakeClient, options: tuple[str, ...]) -> None:
    device = bounded(*options)
    for case, (method, path, body, headers) in {**READS, **CHANGES}.items():
        assert device(method, path, body, headers).status < 300, case


def test_read_only_reads_everything_and_changes_nothing(bounded: MakeClient, client: Client) -> None:
    device, before = bounded("--read-only"), everything(client)
    for case, (method, path, body, headers) in READS.items():
        assert device(method, path, body, headers).status < 300, case
    for case, (method, path, body, headers) in CHANGES.items():
        assert device(method, path, body, headers).status == 403, case
    assert everything(client) == before


def test_outside_its_folder_it_does_nothing(bounded: MakeClient, client: Client) -> None:
    device, before = bounded("--folder", "/Scans"), everything(client)
    for case, (method, path, body, headers) in OUTSIDE.items():
        assert device(method, path, body, headers).status in (400, 403, 404), case
        assert everything(client) == before, case


def test_from_the_root_only_the_way_to_its_folder_is_seen(bounded: MakeClient) -> None:
    device = bounded("--folder", "/Scans/2026")
    assert device.propfind("/").paths == {"/", "/Scans/"}
    assert device.propfind("/Scans/").paths == {"/Scans/", "/Scans/2026/"}
    assert device.propfind("/Scans/2026/").paths == {"/Scans/2026/", "/Scans/2026/c.txt"}


def test_it_works_as_a_bearer_token_and_ends_at_once(server: Server, account: Account) -> None:
    bearer = {"Authorization": f"Bearer {secret(server, account, 'phone')}"}
    with Client(server) as phone:
        assert phone("GET", "/a.txt", headers=bearer).body == b"x"
        run("app-password", "revoke", account.name, "phone", "--data", str(server.data))
        assert phone("GET", "/a.txt", headers=bearer).status == 401


def test_it_does_not_open_the_page(bounded: MakeClient) -> None:
    page = bounded()("GET", "/.filehost/account", headers={"Accept": "text/html"})
    assert page.status in (403, 404)
