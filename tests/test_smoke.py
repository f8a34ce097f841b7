"""The main job, once, over HTTP: documents go in and come back, the wrong type is refused, nothing is lost."""

from __future__ import annotations

from harness.dav import Client
from harness.server import Account, Server
from harness.ways import every_way

__all__ = ["every_way"]


def test_a_users_day(server: Server, account: Account, client: Client) -> None:
    assert "1, 2, 3" in client("OPTIONS", "/")["DAV"]
    assert client("MKCOL", "/letters").status == 201
    first = client.put("/letters/one.txt", "first")
    assert first.status == 201
    token = client.lock("/letters/one.txt").lock_token
    with Client(server, account) as other:
        assert other.put("/letters/one.txt", "without the token").status == 423
    second = client.put("/letters/one.txt", "second", If=f"(<{token}>)")
    assert (second.status, second.etag != first.etag) == (204, True)
    assert client.unlock("/letters/one.txt", token).status == 204
    assert client.get("/letters/one.txt").body == b"second"
    assert client.move("/letters/one.txt", "/letters/two.txt").status == 201
    assert client.copy("/letters/two.txt", "/three.txt").status == 201
    assert client.names("/letters") == {"two.txt"}
    refused = client.put("/letters/tool.exe", "MZ")
    assert (refused.status, "exe" in refused.message) == (403, True)
    assert client("DELETE", "/letters").status == 204
    assert client.names("/") == {"three.txt"}
    assert any(name.startswith("letters") for name in client.names("/.filehost/trash"))
    assert (server.files(account) / "three.txt").read_bytes() == b"second"
