"""Two servers, one with the policy and one where any type is allowed, and a stage for a replay."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from harness.replay import Stage
from harness.server import Server
from harness.ways import every_way

__all__ = ["every_way"]

TYPES = "txt,pdf,png,jpg,jpeg,gif,docx,xlsx,ppt,pptx,kdbx,xbel,prop,zip"
KINDS = {
    "policy": {"FILEHOST_POLICY_EXTENSIONS": TYPES, "FILEHOST_POLICY_ANY_NAME": "/Joplin"},
    "any type": {"FILEHOST_POLICY_EXTENSIONS": "*"},
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session", params=KINDS)
def kind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, way: str
) -> Iterator[tuple[str, Server]]:
    server = Server(tmp_path_factory.mktemp("data"), KINDS[request.param], way=way).start()
    yield request.param, server
    server.stop()


@pytest.fixture
def stage(kind: tuple[str, Server]) -> Iterator[Stage]:
    name, server = kind
    made = Stage(server, server.add_user(f"user{next(_numbers)}"), refusing=name == "policy")
    yield made
    made.close()
