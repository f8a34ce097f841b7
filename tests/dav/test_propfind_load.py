"""Large listings, several at once, in every form: the memory of the process stays bounded."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.dav import Client
from harness.server import Account, Server

pytestmark = pytest.mark.slow

FILES = 4_000
CEILING = 12 << 20
CEILING_OF_ONE_FOLDER = 8 << 20
ZIPPED = {"Accept-Encoding": "gzip"}
NAMED = b'<propfind xmlns="DAV:"><prop><getlastmodified/><getcontentlength/></prop></propfind>'


def list_it(server: Server, account: Account, folder: str) -> int:
    """Every form of the listing; the bytes of the largest."""
    sizes = []
    with Client(server, account) as client:
        for body, headers in itertools.product((None, NAMED), ({}, ZIPPED)):
            answer = client("PROPFIND", f"/{folder}/", body, {"Depth": "1", **headers})
            assert answer.status == 207
            sizes.append(len(answer.body))
    return max(sizes)


def fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"file number {number}.txt").touch()


def test_listings_of_four_large_folders_at_once_are_not_held_in_memory(
    start_server: Callable[..., Server],
) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="1")
    account = server.add_user("alice")
    folders = [f"folder{number}" for number in range(4)]
    for folder in folders:
        fill(server.files(account) / folder)
    with Client(server, account) as client:
        client.propfind("/", "0")
    server.forget_peak()
    before = server.peak_memory()
    with ThreadPoolExecutor(len(folders)) as clients:
        sizes = clients.map(lambda folder: list_it(server, account, folder), folders)
        assert all(size > 500 * FILES for size in sizes)
    assert server.peak_memory() - before < CEILING


def test_sixteen_clients_at_once_take_little_more_memory_than_one(start_server: Callable[..., Server]) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="1")
    account = server.add_user("alice")
    fill(server.files(account) / "folder")
    with Client(server, account) as client:
        client.propfind("/", "0")
    list_it(server, account, "folder")
    (server.files(account) / "folder" / "one more.txt").touch()
    server.forget_peak()
    before = server.peak_memory()
    with ThreadPoolExecutor(16) as clients:
        list(clients.map(lambda _: list_it(server, account, "folder"), range(16)))
    assert server.peak_memory() - before < CEILING_OF_ONE_FOLDER
