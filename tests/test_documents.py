"""The documents hold: every link leads somewhere, every command they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness.server import REPOSITORY, run

DOCUMENTS = sorted(
    path.relative_to(REPOSITORY)
    for folder in (".", "docs", "benchmarks")
    for path in (REPOSITORY / folder).glob("*.md" if folder == "." else "**/*.md")
)
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
_COMMAND = re.compile(r"(?:^|[`\s/])filehost-dav ((?:[a-z][a-z-]+ ?){1,2})", re.MULTILINE)

_MODULE = re.compile(r"`([\w/.]+\.(?:py|toml)|tests/[\w/]*)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_to_something_in_the_repository(document: Path) -> None:
    targets = _LINK.findall((REPOSITORY / document).read_text())
    broken = [target for target in targets if not (REPOSITORY / document.parent / target).exists()]
    assert broken == []


def test_every_module_that_the_page_for_developers_names_exists() -> None:
    named = _MODULE.findall((REPOSITORY / "docs" / "inside.md").read_text())
    rooms = (REPOSITORY, REPOSITORY / "filehost_dav", REPOSITORY / "filehost_dav" / "storage")
    assert [name for name in named if not any((room / name).exists() for room in rooms)] == []
    assert len(named) > 20


def test_every_command_in_the_readme_exists() -> None:
    known = _commands()
    named = {match.strip() for match in _COMMAND.findall((REPOSITORY / "README.md").read_text())}
    assert named, "the README names no command"
    assert {name for name in named if name not in known and name.split()[0] not in known} == set()


def _commands() -> set[str]:
    return set(re.findall(r"^  ([a-z-]+) ", run("--help").stdout, re.MULTILINE))
