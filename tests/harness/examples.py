"""How many made-up inputs a test tries: the usual number, or many times that when there is time (.ci/fuzz)."""

from __future__ import annotations

import os

from hypothesis import settings


def examples(usual: int) -> int:
    return usual * int(os.environ.get("FILEHOST_TEST_EXAMPLES", "1"))


def begin() -> None:
    """For tests that say nothing else. No deadline: a busy machine is no fault of theirs."""
    settings.register_profile("filehost", max_examples=examples(100), deadline=None, print_blob=True)
    settings.load_profile("filehost")
