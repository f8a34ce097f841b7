"""Headless Chromium as a person uses it, with everything the page complains about written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from harness.leaks import remember
from harness.server import Account, Server

__all__ = ["Screen", "expect", "launch"]

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
_AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What the browser refuses because of the page's own policy is written to the console by the page's visitor.
_REPORT = """addEventListener("securitypolicyviolation",
    (event) => console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"""


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS.split())


@dataclass
class Screen:
    """One window of one user. Everything that went wrong in it is in `troubles`."""

    context: BrowserContext
    page: Page
    url: str
    account: Account
    pictures: Path
    troubles: list[str] = field(default_factory=list)

    def sign_in(self, path: str = "/") -> Screen:
        self.page.goto(self.url + path)
        self.page.fill("#name", self.account.name)
        self.page.fill("#password", self.account.password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "signin" not in url)
        for cookie in self.context.cookies():
            remember(cookie["value"])
        return self

    def open(self, path: str = "/") -> Screen:
        """Sign in and go to a folder whose entries, or whose emptiness, are then in sight."""
        self.sign_in(path)
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until the folder is drawn."""
        expect(
            self.page.locator(".list:visible, .folder .state:visible:not(:has(.waiting))").first
        ).to_be_visible()

    def row(self, name: str) -> Any:
        """The row of an entry."""
        return self.page.locator(".rows .row").filter(has=self.page.get_by_role("link", name=name, exact=True))

    def names(self) -> list[str]:
        return self.page.locator(".rows .row a.name").all_inner_texts()

    def menu(self, name: str, action: str) -> None:
        """Choose an action from an entry's menu."""
        self.row(name).click(button="right")
        self.page.get_by_role("menuitem", name=action).click()

    def dialog(self) -> Any:
        return self.page.locator("dialog[open]")

    def toast(self, text: str) -> None:
        """Wait for a notice."""
        expect(self.page.locator(".toast").filter(has_text=text).first).to_be_visible()

    def choose_files(self, *files: Path | dict[str, Any]) -> None:
        """As with the upload button."""
        self.page.locator("input[type=file]").first.set_input_files(list(files))

    def drop(self, files: dict[str, str], target: str = ".folder") -> None:
        """Drop files, given as name → content, on an element."""
        self.page.evaluate(
            """([files, target]) => {
                const transfer = new DataTransfer();
                for (const [name, content] of Object.entries(files))
                    transfer.items.add(new File([content], name));
                const place = document.querySelector(target);
                const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
                for (const kind of ["dragenter", "dragover", "drop"])
                    place.dispatchEvent(new DragEvent(kind, how));
            }""",
            [files, target],
        )

    def picture(self, name: str) -> None:
        """Keep a screenshot beside the run's other files, to be looked at."""
        self.page.screenshot(path=self.pictures / f"{name}.png")

    def check_accessibility(self, state: str) -> None:
        """What is in sight breaks none of the rules that a machine can check (WCAG 2.2 A and AA)."""
        self.picture(f"axe-{state}")
        if not _AXE.exists():
            pytest.skip("axe-core is not installed: npm install in tests/web")
        self.page.evaluate(_AXE.read_text("utf-8"))
        found = self.page.evaluate("(tags) => axe.run({ runOnly: tags })", _RULES)
        problems = [
            {
                "rule": item["id"],
                "nodes": [node["html"] for node in item["nodes"]],
                "why": item["nodes"][0]["failureSummary"],
            }
            for item in found["violations"]
        ]
        assert not problems, f"{state}: {json.dumps(problems, indent=1)}"


@contextmanager
def window(
    browser: Browser, server: Server, account: Account, pictures: Path, **options: Any
) -> Iterator[Screen]:
    """A window of a fresh browser profile. At its end nothing may have gone wrong in it."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
    context.set_default_timeout(15_000)
    context.add_init_script(_REPORT)
    screen = Screen(context, context.new_page(), server.url, account, pictures)
    _listen(screen.page, screen.troubles.append)
    yield screen
    context.close()
    assert screen.troubles == []


def _listen(page: Page, note: Callable[[str], None]) -> None:
    page.on("pageerror", lambda error: note(f"error: {error}"))
    page.on("dialog", lambda dialog: (note(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "console", lambda said: note(f"console: {said.text}") if _is_trouble(said.type, said.text) else None
    )


def _is_trouble(kind: str, text: str) -> bool:
    # The browser itself writes every status of 4xx there; tests look at what the page makes of it.
    return kind in ("error", "warning") and "Failed to load resource" not in text
