"""Codes from a telephone, in a real browser: set up, asked for, turned off."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from harness.browser import Screen, expect
from harness.leaks import remember
from passlib.totp import TOTP

pytestmark = pytest.mark.clients

Open = Callable[..., AbstractContextManager[Screen]]
ACCOUNT = "/.filehost/account"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_visitor_sets_codes_up_and_signs_in_with_one(open_window: Open, scripts: bool) -> None:
    with open_window(java_script_enabled=scripts) as screen:
        page = screen.sign_in(ACCOUNT).page
        look = screen.check_accessibility if scripts else screen.picture
        page.goto(screen.url + ACCOUNT)
        page.fill("#codes-password", screen.account.password)
        page.get_by_role("button", name="Set up codes").click()
        picture = page.get_by_role("img", name="QR code of the key")
        expect(picture.locator("svg")).to_be_visible()
        look("codes")
        key = page.locator("code.secret").inner_text()
        remember(key)
        remember(key.replace(" ", ""))
        telephone = TOTP(key.replace(" ", ""), format="base32")
        page.fill("#code", telephone.generate().token)
        page.get_by_role("button", name="Turn codes on").click()
        recovery = page.locator(".recovery code").all_inner_texts()
        assert len(recovery) == 10
        for code in recovery:
            remember(code)
        look("recovery-codes")

        screen.context.clear_cookies()
        page.goto(screen.url + ACCOUNT)
        page.fill("#name", screen.account.name)
        page.fill("#password", screen.account.password)
        page.keyboard.press("Enter")
        page.fill("#code", "000 000 000")
        look("code")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
        page.fill("#code", telephone.generate(time.time() + 30).token)
        page.keyboard.press("Enter")
        page.wait_for_url(screen.url + ACCOUNT)

        page.fill("#proof", recovery[0])
        page.get_by_role("button", name="Turn codes off").click()
        expect(page.get_by_role("status")).to_have_text("Signing in no longer asks for a code.")
