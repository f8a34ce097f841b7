"""The command line on a data folder of its own, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from filehost_dav.accounts.users import User, Users
from filehost_dav.cli import main
from filehost_dav.state.database import SqliteDatabase

CHEAP = {"FILEHOST_ACCOUNTS_ARGON2_MEMORY": "64 KiB", "FILEHOST_ACCOUNTS_ARGON2_ROUNDS": "1"}


class Machine:
    """The command line on one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0, **settings: str) -> str:
        """Standard output and standard error of one command, which ends with `code`."""
        result: Result = CliRunner(env={**CHEAP, **settings}).invoke(
            main, [*arguments, "--data", str(self.data)], input=stdin, catch_exceptions=False
        )
        assert result.exit_code == code, result.output
        return result.output

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))

    @property
    def database(self) -> SqliteDatabase:
        return SqliteDatabase(self.data / "state.sqlite3")

    @property
    def users(self) -> list[User]:
        database = self.database
        found = Users(database, lambda: 0).list()
        database.close()
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "data")


@pytest.fixture
def anna(machine: Machine) -> Machine:
    """A machine with the user anna, whose password is "secret"."""
    machine("user", "add", "anna", stdin="secret\n")
    return machine
