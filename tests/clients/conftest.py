"""Real client programs against a real server: which program, which server, where its files lie."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import ways
from harness.server import Account, Server

pytestmark = pytest.mark.clients


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """The full path of a program; the test is skipped where it is not installed (in CI it must be)."""

    def find(name: str) -> str:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find


@pytest.fixture(params=["1", "2"], ids=["1-worker", "2-workers"])
def workers(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(start_server: Callable[..., Server], workers: str) -> tuple[Server, Account]:
    """A server of its own that accepts any type of file, in 1 and 2 workers, and its one user."""
    server = start_server(FILEHOST_SERVER_WORKERS=workers, FILEHOST_POLICY_EXTENSIONS="*")
    return server, server.add_user("alice")


@pytest.fixture(params=ways.ALL)
def home_every_way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Account]]:
    """The same in every way a server can be run."""
    server = Server(tmp_path / "data", {"FILEHOST_POLICY_EXTENSIONS": "*"}, way=request.param).start()
    yield server, server.add_user("alice")
    server.stop()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A tree of 500 files, some with names that trip careless servers."""
    root = tmp_path / "documents"
    for number in range(480):
        folder = root / f"folder {number % 24:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file {number:03}.txt").write_bytes(f"content {number}\n".encode() * (number % 50))
    odd = root / "odd names"
    odd.mkdir()
    for number, name in enumerate(ODD_NAMES):
        (odd / f"{name}.txt").write_bytes(f"odd {number}".encode())
    return root


ODD_NAMES = (
    "blank in it",
    "per%cent",
    "per%20cent",
    "plus+plus",
    "hash#tag",
    "semi;colon",
    "comma,comma",
    "amper&sand",
    "equals=equals",
    "at@at",
    "tilde~tilde",
    "dollar$dollar",
    "quote'quote",
    "(round) [square] {curly}",
    "exclamation!",
    "ünïcödé",
    "документ",
    "日本語",
    "emoji 😀",
    "two..dots",
)
