"""Codes and sign-ins of a provider open once, whichever database keeps the records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.clock import Clock
from passlib.totp import TOTP

from filehost_dav.accounts.codes import Codes
from filehost_dav.accounts.oidc.used import UsedStates
from filehost_dav.accounts.users import User, Users
from filehost_dav.errors import Exists, NotFound, SignInRefused
from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.schema import migrate


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each kind of database in turn."""
    made: Database = (
        SqliteDatabase(tmp_path / "state.sqlite3")
        if request.param == "sqlite"
        else PostgresDatabase(request.getfixturevalue("postgres").database())
    )
    migrate(made)
    yield made
    made.close()


def at_once(ask: Callable[[], bool]) -> int:
    """How often eight that ask at the same time hear yes."""
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(lambda _: ask(), range(8)))


def test_a_code_and_a_recovery_code_open_once(records: Database, clock: Clock) -> None:
    users, codes = Users(records, clock), Codes(records, clock)
    users.add(User("anna"), "hash")
    codes.begin("anna")
    secret = codes.begun("anna")
    assert secret is not None
    assert not users.get("anna").codes
    telephone = TOTP(secret, format="base32")
    recovery = codes.confirm("anna", telephone.generate(int(clock.now)).token)
    assert recovery is not None
    assert users.get("anna").codes
    clock.now += 30
    code = telephone.generate(int(clock.now)).token
    assert at_once(lambda: codes.take("anna", code)) == 1
    assert at_once(lambda: codes.take("anna", recovery[0])) == 1
    assert codes.left("anna") == 9
    with pytest.raises(Exists):
        codes.begin("anna")
    codes.end("anna")
    assert not users.get("anna").codes
    assert not codes.take("anna", recovery[1])
    with pytest.raises(NotFound):
        codes.end("anna")


def test_a_state_signs_in_once_and_is_forgotten(records: Database, clock: Clock) -> None:
    used = UsedStates(records, clock, kept=600)

    def use() -> bool:
        try:
            used.use("state")
        except SignInRefused:
            return False
        return True

    assert at_once(use) == 1
    clock.now += 601
    used.use("another")
    assert records.query("SELECT count(*) FROM oidc_state") == [(1,)]
