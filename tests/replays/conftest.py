"""Two servers, one with the policy and one where any type is allowed, and a stage for a replay."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from harness.replay import Stage
from harness.server import Account, Server

from filehost_dav.cli import main

TYPES = "txt,pdf,png,jpg,jpeg,gif,docx,xlsx,ppt,pptx,kdbx,xbel,prop,zip"
KINDS = {
    "policy": {"FILEHOST_POLICY_EXTENSIONS": TYPES, "FILEHOST_POLICY_ANY_NAME": "/Joplin"},
    "any type": {"FILEHOST_POLICY_EXTENSIONS": "*"},
}
PASSWORD = "correct horse battery"
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
def stage(kind: tuple[str, Server]) -> Iterator[Stage]:
    name, server = kind
    made = Stage(server, _user(server), refusing=name == "policy")
    yield made
    made.close()


def _user(server: Server) -> Account:
    """A new account. The command runs in this process, since there is one for each of many tests."""
    name = f"user{next(_numbers)}"
    done = CliRunner().invoke(
        main,
        ["user", "add", name, "--data", str(server.data)],
        input=PASSWORD,
        env=server.settings,
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    return Account(name, PASSWORD)
