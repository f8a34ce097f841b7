"""The composition root: a Config becomes a WSGI application. It wires, it computes nothing."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.signing_in import SigningIn
from filehost_dav.accounts.users import User, Users
from filehost_dav.config import Config
from filehost_dav.dav.application import build as build_dav
from filehost_dav.http.workers import Listener, Service
from filehost_dav.policy.roles import Policy
from filehost_dav.requestlog import Record, RequestLog, as_json, as_plain, as_terminal, is_trouble
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage import LocalStorage
from filehost_dav.storage.home import Home
from filehost_dav.web.signin import Gate

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Records:
    """What the server keeps about its users, for the commands and for a worker. Close it."""

    config: Config
    database: SqliteDatabase
    users: Users
    passwords: Passwords

    def close(self) -> None:
        self.database.close()


def open_records(config: Config) -> Records:
    """Make the data folder where it is missing and bring the records up to date. Raises ConfigError."""
    config.storage.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = SqliteDatabase(config.storage.data / "state.sqlite3")
    migrate(database)
    cost = Cost(config.accounts.argon2_memory, config.accounts.argon2_rounds)
    passwords = Passwords(cost, at_once=config.accounts.hashes_at_once)
    return Records(config, database, Users(database, time.time), passwords)


def listener(config: Config) -> Listener:
    return Listener(config.server.host, config.server.port)


def service(config: Config) -> Service:
    """What the workers serve. Runs in their parent, and leaves nothing open there."""
    key = secrets.token_bytes(32)  # one for all workers, so that what one remembers all can
    return Service(
        partial(application, config, key),
        workers=config.server.workers or os.cpu_count() or 1,
        threads=config.server.threads,
    )


def application(config: Config, key: bytes) -> WSGIApplication:
    """The whole server as one WSGI application."""
    records = open_records(config)
    gate = Gate(
        _dav(records),
        _signing_in(records, key).with_password,
        realm=config.accounts.realm,
        plain_http=config.accounts.plain_http == "anywhere",
    )
    return RequestLog(gate, _reporter(config))


def _signing_in(records: Records, key: bytes) -> SigningIn:
    return SigningIn(
        records.users,
        records.passwords,
        generation=records.database.generation,
        key=key,
        clock=time.time,
        remember=records.config.accounts.remember,
    )


def _reporter(config: Config) -> Callable[[Record], None]:
    """Writes one whole line at a time, so that lines of several processes do not mix."""
    on_terminal = sys.stdout.isatty()
    shape = {"plain": as_plain, "json": as_json, "terminal": as_terminal}.get(config.log.format)
    shape = shape or (as_terminal if on_terminal else as_plain)
    wanted = config.log.requests
    if wanted == "auto":
        wanted = "failures" if on_terminal else "all"

    def report(record: Record) -> None:
        if wanted == "all" or (wanted == "failures" and is_trouble(record)):
            os.write(1, shape(record).encode("utf-8", "backslashreplace") + b"\n")

    return report


def _dav(records: Records) -> WSGIApplication:
    """WebDAV on the signed-in user's files."""
    config = records.config
    storage = LocalStorage(config.storage.data, quota=_quotas(records), durability=config.storage.durability)
    application = build_dav(records.database)

    @lru_cache(maxsize=1000)
    def home_of(user: User) -> Home:
        return Home(storage.tree(user.name), _policy(config, user))

    def run(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        user = environ.get("filehost.user")
        if user is not None:
            environ["filehost.home"] = home_of(user)
        return application(environ, start_response)

    return run


def _policy(config: Config, user: User) -> Policy:
    extensions = config.policy.extensions if user.extensions is None else user.extensions
    return Policy(None if "*" in extensions else frozenset(extensions), config.policy.names)


def _quotas(records: Records) -> Callable[[str], int | None]:
    def quota(name: str) -> int | None:
        account = records.users.find(name)
        own = account.user.quota if account else None
        return records.config.accounts.quota if own is None else own

    return quota
