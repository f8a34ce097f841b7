"""The composition root: a Config becomes a WSGI application. It wires, it computes nothing."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filehost_dav.accounts.app_passwords import AppPasswords
from filehost_dav.accounts.memory import Memory
from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.sessions import Sessions
from filehost_dav.accounts.signing_in import Proof, SigningIn
from filehost_dav.accounts.throttle import Patience, Throttle
from filehost_dav.accounts.users import User, Users
from filehost_dav.config import Config
from filehost_dav.http.workers import Listener, Service
from filehost_dav.policy.patterns import Patterns
from filehost_dav.policy.roles import Policy
from filehost_dav.policy.signatures import ANY_CONTENT, Signatures
from filehost_dav.requestlog import Record, RequestLog, as_json, as_plain, as_terminal, is_trouble
from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.aside import Limits
from filehost_dav.storage.home import Home
from filehost_dav.storage.tree import Storage

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True, slots=True)
class Records:
    """What the server keeps about its users, for the commands and for a worker. Close it."""

    database: Database
    users: Users
    passwords: Passwords
    app_passwords: AppPasswords
    sessions: Sessions
    throttle: Throttle

    def close(self) -> None:
        self.database.close()


def has_records(config: Config) -> bool:
    """Whether a server has kept records here before."""
    return _records_file(config).exists()


def open_records(config: Config) -> Records:
    """Make the data folder where it is missing and bring the records up to date. Raises ConfigError."""
    config.storage.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = SqliteDatabase(_records_file(config))
    migrate(database)
    accounts, throttle = config.accounts, config.throttle
    return Records(
        database,
        Users(database, time.time),
        Passwords(Cost(accounts.argon2_memory, accounts.argon2_rounds), at_once=accounts.hashes_at_once),
        AppPasswords(database, time.time),
        Sessions(database),
        Throttle(database, Patience(throttle.free, throttle.longest, throttle.forget), time.time),
    )


def open_storage(config: Config, users: Users) -> Storage:
    """Where users' files are kept. Close it."""
    from filehost_dav.storage.local import LocalStorage  # noqa: PLC0415 - each storage brings its libraries

    def quota(name: str) -> int | None:
        account = users.find(name)
        return account.user.quota if account and account.user.quota is not None else config.accounts.quota

    return LocalStorage(config.storage.data, quota=quota, durability=config.storage.durability)


def home_of(config: Config, storage: Storage, user: User) -> Home:
    """The user's files with the policy at every door."""
    return Home(storage.tree(user.name), policy_of(config, user), limits_of(config))


def policy_of(config: Config, user: User) -> Policy:
    """What this user may store."""
    rules = config.policy
    extensions = rules.extensions if user.extensions is None else user.extensions
    return Policy(
        None if "*" in extensions else frozenset(name.lstrip(".").casefold() for name in extensions),
        rules.names,
        rules.windows_safe,
        rules.any_name,
        Patterns(rules.side, rules.markers, rules.staging, rules.refused),
        Signatures(rules.content_types) if rules.content else ANY_CONTENT,
    )


def limits_of(config: Config) -> Limits:
    """What a user may keep beside the documents."""
    rules = config.policy
    return Limits(rules.staging_size, rules.staging_files, age=rules.staging_age)


def listener(config: Config) -> Listener:
    return Listener(config.server.host, config.server.port)


def service(config: Config) -> Service:
    """What the workers serve. Runs in their parent, and leaves nothing open there."""
    key = secrets.token_bytes(32)  # one for all workers: what one of them signs, all believe
    return Service(
        partial(application, config, key),
        workers=config.server.workers or os.cpu_count() or 1,
        threads=config.server.threads,
    )


def application(config: Config, key: bytes) -> WSGIApplication:
    """The whole server as one WSGI application. `key` is 32 secret bytes, the same in all workers."""
    from filehost_dav.dav.application import build  # noqa: PLC0415 - the commands need no WsgiDAV
    from filehost_dav.web.application import Pages  # noqa: PLC0415
    from filehost_dav.web.front import FrontDoor  # noqa: PLC0415
    from filehost_dav.web.homes import Homes  # noqa: PLC0415
    from filehost_dav.web.signin import Gate  # noqa: PLC0415

    records = open_records(config)
    storage = open_storage(config, records.users)
    door = _door(config, records, key)
    pages = Pages(
        records.sessions,
        door.with_account_password,
        lambda name, new: records.users.set_password(name, records.passwords.hash(new)),
        policy_of=partial(policy_of, config),
        key=key,
    )
    homes = Homes(pages, build(records.database), partial(home_of, config, storage))
    gate = Gate(
        homes,
        door,
        realm=config.accounts.realm,
        plain_http=config.accounts.plain_http == "anywhere",
    )
    front = FrontDoor(gate, pages, records.sessions, records.users.active)
    return RequestLog(front, _reporter(config))


def _records_file(config: Config) -> Path:
    return config.storage.data / "state.sqlite3"


def _door(config: Config, records: Records, key: bytes) -> SigningIn:
    memory: Memory[Proof] = Memory(
        key=key, generation=records.database.generation, clock=time.time, seconds=config.accounts.remember
    )
    return SigningIn(records.users, records.passwords, records.app_passwords, records.throttle, memory)


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
