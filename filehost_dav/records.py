"""What a server keeps, opened from its Config: records, storage, and each user's home and policy.

The server and the commands begin here. It wires, it computes nothing; what only some of them need
is loaded when it is asked for, so that a command answers at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from filehost_dav.accounts.app_passwords import AppPasswords
from filehost_dav.accounts.codes import Codes
from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.sessions import Sessions
from filehost_dav.accounts.throttle import Patience, Throttle
from filehost_dav.accounts.users import User, Users
from filehost_dav.config import Config
from filehost_dav.config.sections import Policy as Rules
from filehost_dav.engines import open_database, open_object_storage
from filehost_dav.errors import ConfigError
from filehost_dav.policy.patterns import Patterns
from filehost_dav.policy.roles import Policy
from filehost_dav.policy.signatures import ANY_CONTENT, Signatures
from filehost_dav.state.custody import RECORDS
from filehost_dav.state.database import Database
from filehost_dav.state.schema import STEPS, migrate
from filehost_dav.state.upgrade import copy_of_step, keep_copy, step_of

if TYPE_CHECKING:
    from filehost_dav.storage.aside import Limits
    from filehost_dav.storage.home import Home
    from filehost_dav.storage.local import LocalStorage
    from filehost_dav.storage.tree import Storage, Tree

Quota = Callable[[str], int | None]  # a user's name to that user's limit in bytes
_SECOND = 1_000_000_000  # in nanoseconds


@dataclass(frozen=True, slots=True)
class Records:
    """What the server keeps about its users, for the commands and for a worker. Close it."""

    database: Database
    users: Users
    passwords: Passwords
    app_passwords: AppPasswords
    codes: Codes
    sessions: Sessions
    throttle: Throttle

    def close(self) -> None:
        self.database.close()


def has_records(config: Config) -> bool:
    """Whether a server has kept records here before."""
    return bool(config.database.url) or _records_file(config).exists()


def open_records(config: Config) -> Records:
    """Make the data folder where it is missing and bring the records up to date. Raises ConfigError."""
    config.storage.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_database(config, _records_file(config))
    _bring_up_to_date(config, database)
    accounts, throttle = config.accounts, config.throttle
    return Records(
        database,
        Users(database, time.time),
        Passwords(Cost(accounts.argon2_memory, accounts.argon2_rounds), at_once=accounts.hashes_at_once),
        AppPasswords(database, time.time),
        Codes(database, time.time),
        Sessions(database),
        Throttle(database, Patience(throttle.free, throttle.longest, throttle.forget), time.time),
    )


def _bring_up_to_date(config: Config, database: Database) -> None:
    """Raises ConfigError for records of a newer program, Unavailable when none of the older could be kept."""
    file = _records_file(config)
    seen = 0 if config.database.url else step_of(file)
    if 0 < seen < len(STEPS):
        keep_copy(file, seen)
    try:
        migrate(database)
    except ConfigError as error:
        if seen and copy_of_step(file, len(STEPS)).is_file():
            raise ConfigError(
                [*error.problems, "filehost-dav rollback goes back to before the upgrade"]
            ) from error
        raise


def open_storage(config: Config, records: Records) -> Storage:
    """Where users' files are kept. Close it before the records. Raises ConfigError."""

    def quota(name: str) -> int | None:
        account = records.users.find(name)
        return account.user.quota if account and account.user.quota is not None else config.accounts.quota

    if config.storage.kind == "object":
        return open_object_storage(config, records.database, quota)
    return local_storage(config, quota)


def preload(config: Config) -> None:
    """Load the storage's modules before the fork: workers share the memory, and are ready sooner."""
    if config.storage.kind == "local":
        import filehost_dav.storage.local  # noqa: F401, PLC0415


def local_storage(config: Config, quota: Quota) -> LocalStorage:
    from filehost_dav.storage.local import LocalStorage  # noqa: PLC0415 - each storage brings its libraries
    from filehost_dav.storage.local.rules import Retention  # noqa: PLC0415

    keep = config.keep
    return LocalStorage(
        config.storage.data,
        quota=quota,
        durability=config.storage.durability,
        watch=config.storage.watch,
        largest=config.limits.file_size,
        floor=config.storage.keep_free,
        retention=Retention(
            _nanoseconds(keep.trash),
            keep.versions_all * _SECOND,
            _nanoseconds(keep.versions_daily),
            keep.versions_size,
        ),
    )


def home_of(config: Config, storage: Storage, user: User) -> Home:
    """The user's files with the policy at every door."""
    from filehost_dav.storage.home import Home  # noqa: PLC0415

    return Home(_scanned(config, storage.tree(user.name)), policy_of(config, user), aside_of(config))


def _scanned(config: Config, tree: Tree) -> Tree:
    if not config.scan.clamd:
        return tree
    from filehost_dav.storage.scanning import ScannedTree, Scanner  # noqa: PLC0415

    scanner = Scanner(config.scan.clamd, config.scan.timeout, strict=config.scan.unscanned == "refuse")
    return ScannedTree(tree, scanner)


def policy_of(config: Config, user: User) -> Policy:
    """What this user may store."""
    return _policy(config.policy, config.policy.extensions if user.extensions is None else user.extensions)


def aside_of(config: Config) -> Limits:
    """What a user may keep beside the documents."""
    from filehost_dav.storage.aside import Limits  # noqa: PLC0415

    rules = config.policy
    return Limits(rules.staging_size, rules.staging_files, age=rules.staging_age)


# One for all users with the same types, because a policy remembers the roles of the names it was asked for.
@lru_cache(maxsize=64)
def _policy(rules: Rules, extensions: Collection[str]) -> Policy:
    return Policy(
        None if "*" in extensions else frozenset(name.lstrip(".").casefold() for name in extensions),
        rules.names,
        rules.windows_safe,
        rules.any_name,
        Patterns(rules.side, rules.markers, rules.staging, rules.refused),
        Signatures(rules.content_types) if rules.content else ANY_CONTENT,
    )


def _nanoseconds(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * _SECOND


def _records_file(config: Config) -> Path:
    return config.storage.data / RECORDS
