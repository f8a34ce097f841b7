"""Signing in at a provider on another site, in a real browser with its rules for cookies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness.browser import window
from harness.provider import CLIENT, SECRET, provided
from harness.server import Server
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_visitor_signs_in_at_another_site_and_is_back_in_the_folder(
    browser: Browser, start_server: Callable[..., Server], pictures: Path, scripts: bool
) -> None:
    with provided("localhost") as provider:
        server = start_server(
            FILEHOST_OIDC_ISSUER=provider.issuer,
            FILEHOST_OIDC_CLIENT_ID=CLIENT,
            FILEHOST_OIDC_CLIENT_SECRET=SECRET,
            FILEHOST_OIDC_NAME="Example SSO",
        )
        account = server.add_user("anna")
        (server.files(account) / "sub").mkdir(parents=True)
        (server.files(account) / "sub" / "a.txt").write_text("a")
        with window(browser, server, account, pictures, java_script_enabled=scripts) as screen:
            screen.page.goto(f"{screen.url}/sub/?plain")
            screen.page.get_by_role("link", name="Sign in with Example SSO").click()
            expect(screen.page.get_by_role("link", name="a.txt", exact=True)).to_be_visible()
            assert screen.page.url == f"{screen.url}/sub/?plain"
