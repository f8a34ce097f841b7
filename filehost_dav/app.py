"""The composition root: a Config becomes a WSGI application. It wires, it computes nothing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.signing_in import SigningIn
from filehost_dav.accounts.users import Users
from filehost_dav.config import Config
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.web.signin import Gate

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Parts:
    """What the commands work on. Close it."""

    config: Config
    database: SqliteDatabase
    users: Users
    passwords: Passwords

    def close(self) -> None:
        self.database.close()


def open_parts(config: Config) -> Parts:
    """Make the folders and bring the records up to date. Raises ConfigError."""
    data = config.storage.data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = SqliteDatabase(data / "state.sqlite3")
    migrate(database)
    cost = Cost(config.accounts.argon2_memory, config.accounts.argon2_rounds)
    passwords = Passwords(cost, at_once=config.accounts.hashes_at_once)
    return Parts(config, database, Users(database, time.time), passwords)


def application(parts: Parts) -> WSGIApplication:
    """The whole server as one WSGI application."""
    accounts = parts.config.accounts
    signing_in = SigningIn(
        parts.users,
        parts.passwords,
        generation=parts.database.generation,
        key=secrets.token_bytes(32),
        clock=time.time,
        remember=accounts.remember,
    )
    return Gate(
        _dav(parts),
        signing_in.with_password,
        realm=accounts.realm,
        plain_http=accounts.plain_http == "anywhere",
    )


def _dav(parts: Parts) -> WSGIApplication:
    from wsgidav.fs_dav_provider import FilesystemProvider  # noqa: PLC0415
    from wsgidav.wsgidav_app import WsgiDAVApp  # noqa: PLC0415

    files: Path = parts.config.storage.data / "files"
    made: dict[str, Any] = {}

    def run(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        user = environ.get("filehost.user")
        name = user.name if user else ""
        if name not in made:
            (files / name).mkdir(parents=True, exist_ok=True)
            made[name] = WsgiDAVApp(
                {
                    "provider_mapping": {"/": FilesystemProvider(str(files / name))},
                    "middleware_stack": _stock_stack(),
                    "property_manager": True,
                    "lock_storage": True,
                    "verbose": 1,
                    "logging": {"enable": False},
                }
            )
        answer: Iterable[bytes] = made[name](environ, start_response)
        return answer

    return run


def _stock_stack() -> list[Any]:
    from wsgidav.error_printer import ErrorPrinter  # noqa: PLC0415
    from wsgidav.request_resolver import RequestResolver  # noqa: PLC0415

    return [ErrorPrinter, RequestResolver]
