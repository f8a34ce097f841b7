"""Leaks: after a run of the tests, no log of any server holds a secret that a test has used.

Every password, cookie, token and key is remembered where the harness sees it, and every line that a server
says is kept, in one folder for all processes of the run. At the end whoever began the run looks for the
ones in the others; a leak fails the run, whatever the tests said. Words that stand in logs by themselves
cannot be looked for: a secret has eight characters or more, not all of them letters.
"""

from __future__ import annotations

import base64
import itertools
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import pytest

_FOLDER = "FILEHOST_TEST_LEAKS"  # in the environment, so that processes of this run find it
_found = pytest.StashKey[list[str]]()
_numbers = itertools.count(1)
# Told once to whoever starts a server that has no accounts yet.
_WELCOME = re.compile(rb"^No account existed.*?^More users: ", re.MULTILINE | re.DOTALL)


@cache
def remember(secret: str) -> None:
    """From now on it may be in no log, neither as it is nor as it stands in an address."""
    if _FOLDER not in os.environ or len(secret) < 8 or secret.isalpha():
        return
    with Path(os.environ[_FOLDER], f"secrets-{os.getpid()}").open("a") as file:
        file.writelines(f"{form.encode().hex()}\n" for form in {secret, quote(secret)})


def remember_pair(name: str, password: str) -> None:
    """A password, and what Basic makes of it."""
    remember(password)
    if len(password) >= 8 and not password.isalpha():
        remember(base64.b64encode(f"{name}:{password}".encode()).decode())


def remember_fields(fields: dict[str, str]) -> None:
    """What signs in, of a request's headers or a program's environment."""
    for name, value in fields.items():
        if name.title() == "Authorization":
            remember(value.partition(" ")[2])
        elif name.title() == "Cookie":
            for cookie in value.split(";"):
                remember(cookie.partition("=")[2])
        elif name.upper().endswith(("SECRET", "PASSWORD", "SECRET_ACCESS_KEY")):
            remember(value)


def log_file() -> Path:
    """A new file for the log of one server."""
    folder = Path(os.environ.get(_FOLDER) or tempfile.gettempdir())
    return folder / f"log-{os.getpid()}-{next(_numbers)}"


def keep(file: Path | None) -> None:
    """Keep what is in a log that a server wrote elsewhere."""
    if file is not None and file.is_file() and _FOLDER in os.environ:
        shutil.copy(file, log_file())


def leaks(folder: Path) -> Iterator[str]:
    """Each log with a secret in it: the file, the line without the secret."""
    secrets = {
        bytes.fromhex(line) for file in folder.glob("secrets-*") for line in file.read_text().splitlines()
    }
    for log in folder.glob("log-*"):
        text = _WELCOME.sub(b"", log.read_bytes())
        for secret in secrets:
            at = text.find(secret)
            if at >= 0:
                line = text[text.rfind(b"\n", 0, at) + 1 :].partition(b"\n")[0]
                yield f"{log.name}: {line.replace(secret, b'<secret>').decode(errors='replace')}"


class _Kept(logging.Handler):
    """What our modules say in this process is a log, too."""

    def __init__(self, file: Path) -> None:
        super().__init__(logging.INFO)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        with self._file.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(logging.Formatter().format(record) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="filehost-leaks-")
    logger = logging.getLogger("filehost_dav")
    logger.addHandler(_Kept(log_file()))


@pytest.hookimpl(trylast=True)  # after the processes of pytest-xdist have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return
    folder = Path(os.environ.pop(_FOLDER))
    session.config.stash[_found] = list(leaks(folder))
    shutil.rmtree(folder)
    if session.config.stash[_found]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(_found, [])
    if found:
        terminalreporter.section("secrets in logs", red=True)
        for line in found:
            terminalreporter.line(line)
