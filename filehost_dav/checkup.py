"""Checkup: what an operator should know about a server's configuration, folders, records and limits.

Nothing is changed here, and nothing is made; a server may be running on it.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filehost_dav.accounts.users import User
from filehost_dav.config import Config
from filehost_dav.config.quantities import size_for_people
from filehost_dav.records import Records
from filehost_dav.state.custody import RECORDS, faults

GOOD, NOTE, PROBLEM = "ok", "note", "problem"
_OTHERS = stat.S_IROTH | stat.S_IXOTH | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Remark:
    """`level` is GOOD, NOTE (worth knowing) or PROBLEM (does not work, or is not safe)."""

    level: str
    about: str
    message: str


def look_at_machine(config: Config) -> Iterator[Remark]:
    """Folders, disk and limits of this machine."""
    yield from _data_folder(config.storage.data)
    yield from _disk(config)
    yield from _open_files(config)
    yield from _memory(config)
    yield from _passwords_in_the_clear(config)
    yield from _signing_in(config)
    yield from _limits(config)


def look_at_database(config: Config) -> Iterator[Remark]:
    """Whether the records can be read at all."""
    if config.database.url:
        return
    found = faults(config.storage.data / RECORDS)
    yield from (Remark(PROBLEM, "records", line) for line in found)
    if not found:
        yield Remark(GOOD, "records", "The database is whole")


def look_at_records(config: Config, records: Records) -> Iterator[Remark]:
    """The users, and folders without one."""
    users = records.users.list()
    if not users:
        yield Remark(NOTE, "users", "There are no users yet: the next start of serve makes one")
    else:
        yield Remark(GOOD, "users", f"{len(users)}, of which {sum(user.disabled for user in users)} disabled")
    if config.storage.kind == "local":
        yield from _left_behind(config.storage.data / "files", users)


def _data_folder(data: Path) -> Iterator[Remark]:
    if not data.is_dir():
        yield Remark(NOTE, "data folder", f"{data} does not exist yet: serve makes it")
        return
    found = data.stat()
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield Remark(PROBLEM, "data folder", f"{data} cannot be written by {_me()}")
    elif os.name == "posix" and found.st_mode & _OTHERS:
        level = PROBLEM if found.st_mode & stat.S_IWOTH else NOTE
        yield Remark(level, "data folder", f"{data} is open to everybody on this machine; chmod 700 closes it")
    else:
        yield Remark(GOOD, "data folder", str(data.resolve()))
    yield from _strangers(data)
    yield from _other_disks(data)


def _strangers(data: Path) -> Iterator[Remark]:
    """Files left by another user, by root running a command for instance."""
    owner = data.stat().st_uid
    for path in sorted(data.iterdir()):
        if path.lstat().st_uid != owner:
            yield Remark(PROBLEM, "data folder", f"{path} belongs to another user than {data}")


def _other_disks(data: Path) -> Iterator[Remark]:
    """Files, trash and versions move by rename, which works within one file system only."""
    device = (data / "files").stat().st_dev if (data / "files").is_dir() else data.stat().st_dev
    for corner in ("trash", "versions", "side", "staging"):
        place = data / corner
        if place.is_dir() and place.stat().st_dev != device:
            yield Remark(PROBLEM, "data folder", f"{place} is on another file system than {data / 'files'}")


def _disk(config: Config) -> Iterator[Remark]:
    place = config.storage.data
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    level = GOOD if free > config.storage.keep_free else PROBLEM
    kept = size_for_people(config.storage.keep_free)
    yield Remark(level, "disk", f"{size_for_people(free)} free; uploads leave {kept} (storage.keep_free)")


def _open_files(config: Config) -> Iterator[Remark]:
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # the server takes all it may have
    wanted = config.limits.connections
    if most != resource.RLIM_INFINITY and most < wanted:
        yield Remark(
            NOTE, "open files", f"{most} allowed (ulimit -H -n), fewer than limits.connections = {wanted}"
        )


def _memory(config: Config) -> Iterator[Remark]:
    accounts = config.accounts
    most = _processes(config) * accounts.hashes_at_once * accounts.argon2_memory
    yield Remark(GOOD, "memory", f"at most {size_for_people(most)} for password hashes at one time")


def _passwords_in_the_clear(config: Config) -> Iterator[Remark]:
    tls = config.tls.certificate or config.tls.self_signed
    if config.accounts.plain_http == "anywhere" and not tls and not config.server.proxies:
        yield Remark(
            NOTE,
            "passwords",
            'accounts.plain_http = "anywhere": passwords and files cross the network in the clear',
        )


def _signing_in(config: Config) -> Iterator[Remark]:
    """What signs in besides passwords. No secret is told."""
    header = config.header
    if header.name:
        who = f"{header.name} from {', '.join(header.proxies)}"
        yield Remark(GOOD, "sign-in", f"by the header {who}; {_unknown(header.make_users)}")
    oidc = config.oidc
    if oidc.issuer:
        who = f"members of {oidc.group}" if oidc.group else "everybody there"
        yield Remark(GOOD, "sign-in", f"at {oidc.issuer}: {who}, as {oidc.claim}; {_unknown(oidc.make_users)}")
    ldap = config.ldap
    if ldap.url:
        who = f"by the passwords of {ldap.url}, {ldap.base}"
        yield Remark(GOOD, "sign-in", f"{who}; {_unknown(ldap.make_users)}")


def _unknown(make_users: bool) -> str:
    return "whoever has no account gets one" if make_users else "whoever has no account is refused"


def _limits(config: Config) -> Iterator[Remark]:
    limits, throttle = config.limits, config.throttle
    largest = "no limit" if limits.file_size is None else size_for_people(limits.file_size)
    each = "" if _processes(config) == 1 else f", in each of the {_processes(config)} processes for itself"
    quota = "no limit" if config.accounts.quota is None else size_for_people(config.accounts.quota)
    yield Remark(GOOD, "limits", f"one file: {largest}; one user: {quota}")
    yield Remark(
        GOOD,
        "limits",
        f"at a time{each}: {limits.requests_per_address} requests of an address, "
        f"{limits.requests_per_user} requests and {limits.uploads_per_user} uploads of a user, "
        f"{limits.connections} connections",
    )
    yield Remark(
        GOOD,
        "limits",
        f"headers {size_for_people(limits.head_size)} within "
        f"{limits.head_time} s; a stalled upload ends after {limits.upload_stall} s",
    )
    yield Remark(
        GOOD,
        "limits",
        f"after {throttle.free} failed sign-ins of a user at an address the next one waits, "
        f"at most {throttle.longest} s",
    )


def _processes(config: Config) -> int:
    return config.server.workers or os.cpu_count() or 1


def _left_behind(files: Path, users: list[User]) -> Iterator[Remark]:
    if not files.is_dir():
        return
    names = {user.name for user in users}
    for folder in sorted(files.iterdir()):
        if folder.name not in names:
            yield Remark(NOTE, "users", f"{folder} belongs to no user: of one who was removed?")


def _me() -> str:
    return f"user id {os.geteuid()}" if hasattr(os, "geteuid") else "this user"
