"""The page's files and headers: small, cached for long, and nothing may run that is not one of them."""

from __future__ import annotations

import gzip
import re

import pytest
from harness.page import BROWSER, SCRIPT, Visitor

LARGEST_IN_ALL = 60_000  # bytes on the wire for a first visit: HTML, script, style


def links(page: str) -> set[str]:
    return set(re.findall(r'"(/\.filehost/assets/[^"]+)"', page))


def test_a_first_visit_is_a_few_tens_of_kilobytes(alice: Visitor) -> None:
    page = alice.get("/").text
    total, waiting, seen = len(gzip.compress(page.encode())), links(page), set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = alice("GET", path, headers={**SCRIPT, "Accept-Encoding": "gzip"})
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
        total += len(answer.body)
        folder = path.rpartition("/")[0]
        imports = re.findall(r'from "\./([\w.]+)"', gzip.decompress(answer.body).decode())
        waiting |= {f"{folder}/{name}" for name in imports} - seen
    assert len(seen) > 10
    assert total < LARGEST_IN_ALL


def test_files_are_kept_for_a_year_under_an_address_of_their_content(visitor: Visitor) -> None:
    (style,) = (link for link in links(visitor.get("/.filehost/signin").text) if link.endswith("style.css"))
    assert visitor.get(style).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    old = re.sub(r"/[0-9a-f]{12}/", "/0123456789ab/", style)
    assert visitor.get(old).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["missing.js", "page.html", "en.json", "../application.py", "%2e%2e/front.py", ""]
)
def test_nothing_else_is_served(visitor: Visitor, name: str) -> None:
    assert visitor.get(f"/.filehost/assets/0123456789ab/{name}").status == 404


@pytest.mark.parametrize(
    "path",
    ["/", "/?plain", "/.filehost/account", "/.filehost/page", "/.filehost/trash/", "/.filehost/zip?path=/x"],
)
def test_every_answer_says_what_the_browser_may_do_with_it(alice: Visitor, path: str) -> None:
    headers = alice.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"


@pytest.mark.parametrize("path", ["/", "/?plain", "/.filehost/account", "/.filehost/signin"])
def test_no_page_holds_a_script_or_a_style_of_its_own(alice: Visitor, path: str) -> None:
    for browser in (alice, Visitor(alice.port)):
        page = browser("GET", path, headers=BROWSER).text
        assert not re.search(r"<script(?! type=\"(module|application/json)\")|<style|\sstyle=|\son\w+=", page)
