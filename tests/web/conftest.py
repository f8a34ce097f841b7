"""A host of the page with the users alice and bob, and browsers that visit it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.page import Host, Visitor, served


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "data")
    made.add_user("alice")
    made.add_user("bob")
    yield made
    made.close()


@pytest.fixture
def visitor(host: Host) -> Iterator[Visitor]:
    """A browser that has not signed in."""
    with served(host) as port:
        yield Visitor(port)


@pytest.fixture
def alice(visitor: Visitor) -> Visitor:
    """Alice's browser, signed in."""
    assert visitor.sign_in().status == 303
    return visitor
