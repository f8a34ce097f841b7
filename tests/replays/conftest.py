"""Two servers, one with the policy and one where any type is allowed, and a stage for a replay."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from harness.dav import Client
from harness.replay import Stage
from harness.server import Server

TYPES = "txt,pdf,png,jpg,jpeg,gif,docx,xlsx,ppt,pptx,kdbx,xbel,prop,zip"
KINDS = {
    "policy": {"FILEHOST_POLICY_EXTENSIONS": TYPES, "FILEHOST_POLICY_ANY_NAME": "/Joplin"},
    "any type": {"FILEHOST_POLICY_EXTENSIONS": "*"},
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session", params=KINDS)
def kind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Server]]:
    settings = {"FILEHOST_SERVER_WORKERS": "1", **KINDS[request.param]}
    server = Server(tmp_path_factory.mktemp("data"), settings).start()
    yield request.param, server
    server.stop()


@pytest.fixture
def make_stage(kind: tuple[str, Server]) -> Iterator[Callable[[], Stage]]:
    name, server = kind
    made: list[Stage] = []

    def make() -> Stage:
        account = server.add_user(f"user{next(_numbers)}")
        stage = Stage(server, account, Client(server, account), Client(server), name == "policy")
        made.append(stage)
        return stage

    yield make
    for stage in made:
        stage.client.close()
        stage.anonymous.close()


@pytest.fixture
def stage(make_stage: Callable[[], Stage]) -> Stage:
    return make_stage()
