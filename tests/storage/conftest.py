"""A storage of each kind, so that one suite keeps the contract for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from filehost_dav.storage import LocalStorage
from filehost_dav.storage.tree import Storage, Tree


@pytest.fixture(params=["local"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    made = LocalStorage(tmp_path / "data", durability="none")
    yield made
    made.close()


@pytest.fixture
def tree(storage: Storage) -> Tree:
    return storage.tree("alice")
