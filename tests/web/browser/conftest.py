"""A browser for all tests of a module, and a window in it for each test's own user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from harness.browser import Screen, launch, window
from harness.server import Account, Server
from playwright.sync_api import Browser, sync_playwright

Open = Callable[..., AbstractContextManager[Screen]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots of the main states are kept, for people to look at."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture
def open_window(browser: Browser, server: Server, account: Account, pictures: Path) -> Open:
    return partial(window, browser, server, account, pictures)


@pytest.fixture
def screen(open_window: Open) -> Iterator[Screen]:
    with open_window() as opened:
        yield opened


@pytest.fixture
def files(server: Server, account: Account) -> Path:
    """The user's folder on the server's disk."""
    folder = server.files(account)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
