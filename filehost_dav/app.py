"""The composition root: a Config becomes what the commands work on, and a WSGI application.

It wires, it computes nothing. Libraries that only the server needs are loaded when it starts, so
that the other commands answer at once.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable
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
from filehost_dav.logs.lines import shape_of, write
from filehost_dav.logs.requests import Record, RequestLog, as_line, choice_of
from filehost_dav.policy.patterns import Patterns
from filehost_dav.policy.roles import Policy
from filehost_dav.policy.signatures import ANY_CONTENT, Signatures
from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.aside import Limits as AsideLimits
from filehost_dav.storage.home import Home
from filehost_dav.storage.tree import Storage

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from filehost_dav.http.limits import Limits
    from filehost_dav.http.tls import Certificate
    from filehost_dav.http.worker import Service


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

    return LocalStorage(
        config.storage.data,
        quota=quota,
        durability=config.storage.durability,
        largest=config.limits.file_size,
        floor=config.storage.keep_free,
    )


def home_of(config: Config, storage: Storage, user: User) -> Home:
    """The user's files with the policy at every door."""
    return Home(storage.tree(user.name), policy_of(config, user), aside_of(config))


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


def aside_of(config: Config) -> AsideLimits:
    """What a user may keep beside the documents."""
    rules = config.policy
    return AsideLimits(rules.staging_size, rules.staging_files, age=rules.staging_age)


def service(config: Config) -> Service:
    """What the workers serve. Runs in their parent, and leaves nothing open there."""
    from filehost_dav.http.worker import Service  # noqa: PLC0415

    key = secrets.token_bytes(32)  # one for all workers: what one of them signs, all believe
    return Service(
        partial(application, config, key),
        workers=config.server.workers or os.cpu_count() or 1,
        threads=config.server.threads,
        limits=_limits(config),
        certificate=certificate(config),
        proxies=config.server.proxies,
    )


def certificate(config: Config) -> Certificate | None:
    """The certificate to serve with, made first where it is to be self-signed. Raises ConfigError."""
    from filehost_dav.http.tls import Certificate  # noqa: PLC0415

    tls = config.tls
    if tls.certificate and tls.key:
        return Certificate(tls.certificate, tls.key)
    if tls.self_signed:
        from filehost_dav.http.self_signed import self_signed  # noqa: PLC0415

        return self_signed(config.storage.data / "tls", config.server.host)
    return None


@dataclass(frozen=True, slots=True)
class Application:
    """The whole server as one WSGI application. Close it."""

    run: WSGIApplication
    records: Records
    storage: Storage

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.run(environ, start_response)

    def close(self) -> None:
        self.storage.close()
        self.records.close()


def application(config: Config, key: bytes) -> Application:
    """For one process. `key` is 32 secret bytes, the same in all of a server's processes."""
    records = open_records(config)
    storage = open_storage(config, records.users)
    return Application(RequestLog(_doors(config, records, storage, key), _reporter(config)), records, storage)


def _doors(config: Config, records: Records, storage: Storage, key: bytes) -> WSGIApplication:
    """From outside in: a browser's session, the sign-in, the user's home, then the page or WebDAV."""
    from filehost_dav.dav.application import build  # noqa: PLC0415
    from filehost_dav.web.application import Pages  # noqa: PLC0415
    from filehost_dav.web.front import FrontDoor  # noqa: PLC0415
    from filehost_dav.web.homes import Homes  # noqa: PLC0415
    from filehost_dav.web.signin import Gate  # noqa: PLC0415

    accounts, users = config.accounts, records.users
    door = _signing_in(config, records, key)
    pages = Pages(
        records.sessions,
        door.with_account_password,
        lambda name, new: users.set_password(name, records.passwords.hash(new)),
        policy_of=partial(policy_of, config),
        key=key,
        largest=config.limits.file_size,
    )
    homes = Homes(pages, build(records.database), partial(home_of, config, storage))
    gate = Gate(homes, door, realm=accounts.realm, plain_http=accounts.plain_http == "anywhere")
    return FrontDoor(gate, pages, records.sessions, users.active)


def _signing_in(config: Config, records: Records, key: bytes) -> SigningIn:
    def memory() -> Memory[Proof]:
        seconds = config.accounts.remember
        return Memory(key=key, generation=records.database.generation, clock=time.time, seconds=seconds)

    return SigningIn(
        records.users,
        records.passwords,
        records.app_passwords,
        records.throttle,
        right=memory(),
        wrong=memory(),
    )


def _reporter(config: Config) -> Callable[[Record], None]:
    shape = shape_of(config.log.format)
    wanted = choice_of(config.log.requests, shape)

    def report(record: Record) -> None:
        if wanted(record):
            write(as_line(record, shape))

    return report


def _limits(config: Config) -> Limits:
    from filehost_dav.http.limits import Limits  # noqa: PLC0415

    limits = config.limits
    return Limits(
        head=limits.head_size,
        head_seconds=limits.head_time,
        idle_seconds=limits.idle_time,
        handshake_seconds=limits.handshake_time,
        body_seconds=limits.upload_stall,
        send_seconds=limits.download_stall,
        connections=limits.connections,
        drain_seconds=limits.drain_time,
    )


def _records_file(config: Config) -> Path:
    return config.storage.data / "state.sqlite3"
