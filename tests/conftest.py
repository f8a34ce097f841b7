"""Fixtures for all tests: real servers, fresh users, and the rule that in CI nothing is skipped."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from harness import examples, ways
from harness.dav import Client
from harness.leaks import pytest_configure, pytest_sessionfinish, pytest_terminal_summary
from harness.server import Account, Server
from testbed.fixtures import postgres, s3

__all__ = ["postgres", "pytest_configure", "pytest_sessionfinish", "pytest_terminal_summary", "s3"]

# Before the tests are imported: their decorators read it.
examples.begin()
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def way() -> str:
    """How servers are run; what is asked over the wire imports `every_way` instead."""
    return ways.CHOSEN[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, way: str) -> Iterator[Server]:
    """A running server, shared by the tests of a module: give each test a user of its own."""
    running = Server(tmp_path_factory.mktemp("data"), way=way).start()
    yield running
    running.stop()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers with settings: start_server(FILEHOST_SERVER_WORKERS="2"). All are stopped at the end."""
    started: list[Server] = []

    def start(
        *options: str,
        data: Path | None = None,
        sockets: Sequence[tuple[str, socket.socket]] = (),
        **settings: str,
    ) -> Server:
        server = Server(data or tmp_path / "data", settings, options, sockets=sockets)
        started.append(server.start())
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def account(server: Server) -> Account:
    """A fresh user of the module's server."""
    return server.add_user(f"user{next(_numbers)}")


@pytest.fixture
def client(server: Server, account: Account) -> Iterator[Client]:
    """A connection of that fresh user."""
    with Client(server, account) as connection:
        yield connection


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Foreign programs and the load of the machine may spoil a test; a fault of ours fails every time."""
    items[:] = [item for item in items if not ways.is_beyond(item)]
    for item in items:
        if any(item.get_closest_marker(name) for name in ("clients", "slow", "s3", "postgres", "timing")):
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a skip is a failure: everything a test needs is installed there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in CI: {report.longrepr}"
    return report
