"""Two servers side by side: stock WsgiDAV on stock cheroot, and ours, with the same two users; and ours
without a server.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cheroot import wsgi
from harness.dav import Client
from harness.inprocess import InProcess
from harness.server import Account, Server
from harness.stock import PASSWORD, USERS, PerUser, Site, Stock
from harness.ways import every_way
from testbed import elsewhere
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

__all__ = ["every_way"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, way: str) -> Iterator[Server]:
    """One server for all these tests: what is asked here does not depend on what is on the disk when."""
    settings = {"FILEHOST_STORAGE_DURABILITY": "none"}
    running = Server(tmp_path_factory.mktemp("data"), settings, way=way).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def resident(server: Server) -> Account:
    """The one user of these tests: making an account takes longer than most of them."""
    return server.add_user("resident")


@pytest.fixture
def account(server: Server, resident: Account) -> Account:
    """That user, with an empty folder and no records; where files are not on the disk, a new user."""
    if elsewhere.KIND != "local":
        return server.add_user(f"user{next(_numbers)}")
    for member in server.files(resident).glob("*"):
        shutil.rmtree(member) if member.is_dir() else member.unlink()
    with contextlib.closing(sqlite3.connect(server.data / "state.sqlite3", timeout=10)) as database:
        for table in ("lock", "property"):
            database.execute(f"DELETE FROM {table}")
        database.commit()
    return resident


@pytest.fixture
def client(server: Server, account: Account) -> Iterator[Client]:
    with Client(server, account) as connection:
        yield connection


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stock classes as their own documentation sets them up, with a property store."""
    folder = tmp_path_factory.mktemp("stock")
    for name in (*USERS, "nobody", "public"):
        (folder / name).mkdir()
    logging.getLogger("wsgidav").setLevel(logging.CRITICAL)
    users = {name: {"password": PASSWORD} for name in USERS}
    application = WsgiDAVApp(
        {
            "provider_mapping": {
                "/": PerUser(str(folder), fs_opts={}),
                "/public": FilesystemProvider(str(folder / "public"), readonly=True, fs_opts={}),
            },
            "simple_dc": {"user_mapping": {"/": users, "/public": True}},
            "property_manager": True,
            "logging": {"enable": False},
            "verbose": 1,
        }
    )
    server = wsgi.Server(("127.0.0.1", 0), application, numthreads=6)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    site = Site(Stock(folder, server.bind_addr[1]), lambda user: folder / user)
    yield site
    site.close()
    server.stop()
    thread.join(10)


@pytest.fixture(scope="session")
def ours(server: Server) -> Iterator[Site]:
    """Our server, with the same users, who may store any type of file."""
    for name in USERS:
        server.add_user(name, "--extensions", "*", password=PASSWORD)
    site = Site(server, server.files)
    for name in USERS:
        site(name).propfind("/", "0")  # a user's folder is made at the first request
    yield site
    site.close()


@pytest.fixture
def dav(tmp_path: Path) -> Iterator[InProcess]:
    """Our DAV application without sockets, on a fresh disk."""
    application = InProcess(tmp_path)
    yield application
    application.close()
