"""The ways a server is run: from one process or two, plain or over TLS, or under another WSGI server.

    FILEHOST_TEST_SERVER=tls-2 pytest tests/dav

What is asked over the wire (importing `every_way` says so) is asked in each of the CHOSEN ways; all other
servers are started in the first of them.
"""

from __future__ import annotations

import os
import sys

import pytest

PROGRAM = (sys.executable, "-m", "filehost_dav")
_COMMANDS = {"foreign": (sys.executable, "-m", "harness.foreign")}
_SETTINGS = {
    "plain-1": {"FILEHOST_SERVER_WORKERS": "1"},
    "plain-2": {"FILEHOST_SERVER_WORKERS": "2"},
    "tls-1": {"FILEHOST_SERVER_WORKERS": "1", "FILEHOST_TLS_SELF_SIGNED": "true"},
    "tls-2": {"FILEHOST_SERVER_WORKERS": "2", "FILEHOST_TLS_SELF_SIGNED": "true"},
    "foreign": {},
}
ALL = tuple(_SETTINGS)
CHOSEN = tuple(os.environ.get("FILEHOST_TEST_SERVER", "plain-1 tls-2 foreign").split())


@pytest.fixture(scope="session", params=CHOSEN, name="way")
def every_way(request: pytest.FixtureRequest) -> str:
    """Each of the chosen ways in turn."""
    return str(request.param)


def is_beyond(item: pytest.Item) -> bool:
    """Whether a test asks of a foreign server what only our own HTTP layer promises (`own_http`)."""
    if item.get_closest_marker("own_http") is None or not isinstance(item, pytest.Function):
        return False
    return hasattr(item, "callspec") and item.callspec.params.get("way") == "foreign"


def command(way: str) -> tuple[str, ...]:
    """What is run; it takes the arguments of `filehost-dav`."""
    return _COMMANDS.get(way, PROGRAM)


def settings(way: str) -> dict[str, str]:
    """The settings that make the way, as environment."""
    return _SETTINGS[way]
