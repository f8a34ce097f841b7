"""What the page says: every sentence in every language, each with the same places to fill in."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from harness.page import BROWSER, Visitor

from filehost_dav.web.words import choose

ASSETS = Path(__file__).parents[2] / "filehost_dav" / "web" / "assets"
CATALOGUES = {path.stem: json.loads(path.read_text("utf-8")) for path in ASSETS.glob("*.json")}
PLACES = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_language_has_every_sentence_with_the_same_places(language: str) -> None:
    assert CATALOGUES[language].keys() == CATALOGUES["en"].keys()
    for key, text in CATALOGUES[language].items():
        assert set(PLACES.findall(text)) == set(PLACES.findall(CATALOGUES["en"][key])), key


def test_every_sentence_the_script_says_is_in_the_catalogue() -> None:
    script = "\n".join(path.read_text("utf-8") for path in ASSETS.glob("*.js"))
    said = set(re.findall(r"\bsay\(\s*\"([\w.]+)\"", script))
    counted = {
        f"{key}.{form}" for key in re.findall(r'\bcount\(\s*"([\w.]+)"', script) for form in ("one", "other")
    }
    assert said | counted <= CATALOGUES["en"].keys()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,de;q=0.5,en;q=0.4", "de"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("de;q=0, en;q=0.1", "en"),
        ("", "en"),
        ("de;q=nonsense,,;;", "en"),
    ],
)
def test_the_visitors_language_is_spoken(accepted: str, language: str) -> None:
    assert choose(accepted, CATALOGUES).language == language


def test_a_german_browser_is_asked_in_german(visitor: Visitor) -> None:
    page = visitor("GET", "/.filehost/signin", headers={**BROWSER, "Accept-Language": "de"})
    assert '<html lang="de">' in page.text
    assert "Benutzername" in page.text
