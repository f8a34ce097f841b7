"""The composition root: a Config becomes a WSGI application. It wires, it computes nothing."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from filehost_dav import identities
from filehost_dav.accounts.memory import Memory
from filehost_dav.accounts.second_step import SecondStep
from filehost_dav.accounts.signing_in import Proof, SigningIn
from filehost_dav.config import Config
from filehost_dav.config.addresses import host_and_port
from filehost_dav.dav.application import build
from filehost_dav.engines import shared_key
from filehost_dav.errors import Full
from filehost_dav.http.limits import Limits
from filehost_dav.http.listener import Listener
from filehost_dav.http.self_signed import self_signed
from filehost_dav.http.service import Service
from filehost_dav.http.systemd import REDIRECT, Inherited
from filehost_dav.http.tls import Certificate
from filehost_dav.http.transfer import Offload
from filehost_dav.logs.audit import Audit
from filehost_dav.logs.lines import shape_of, write
from filehost_dav.logs.requests import Record, RequestLog, as_line, choice_of
from filehost_dav.metrics.counters import Counters
from filehost_dav.metrics.requests import DIED, RequestCounts, as_open_metrics, request_counters
from filehost_dav.metrics.survey import Survey
from filehost_dav.paths import FilePath
from filehost_dav.records import Records, home_of, open_records, open_storage, policy_of, preload
from filehost_dav.state.database import Database, Statement
from filehost_dav.state.locks import LockStore
from filehost_dav.storage.tree import Storage, Totals
from filehost_dav.upkeep import Upkeep
from filehost_dav.web.accounts import Accounts
from filehost_dav.web.application import Pages
from filehost_dav.web.crowd import Allowed, Counts, Crowd
from filehost_dav.web.foresight import LISTING, Foresight
from filehost_dav.web.front import FrontDoor
from filehost_dav.web.health import Health
from filehost_dav.web.homes import Homes
from filehost_dav.web.https import OnlyHttps
from filehost_dav.web.redirect import Redirect
from filehost_dav.web.signin import Gate

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from filehost_dav.logs.webhook import Webhook
    from filehost_dav.metrics.exporter import Exporter


def listeners(config: Config, inherited: Sequence[Inherited] = ()) -> list[Listener]:
    """Where to listen: what systemd has opened takes the place of what the settings say."""
    server, tls = config.server, config.tls
    given = [Listener(inherited=sock, redirects=name == REDIRECT) for name, sock in inherited]
    own = [each for each in given if not each.redirects]
    redirects = [each for each in given if each.redirects]
    if not redirects and tls.redirect_from:
        host, port = host_and_port(tls.redirect_from)
        redirects = [Listener(host, port, redirects=True)]
    return [*(own or [Listener(server.host, server.port, server.unix)]), *redirects]


def service(config: Config) -> Service:
    """What the workers serve. Runs in their parent, and leaves nothing open there."""
    key = _shared_key(config)
    preload(config)
    identities.check(config)
    chain = certificate(config)
    counters = request_counters() if config.metrics.listen else None
    return Service(
        partial(application, config, key, counters),
        workers=config.server.workers or os.cpu_count() or 1,
        threads=config.server.threads,
        limits=_limits(config),
        certificate=chain,
        make_redirect=None if chain is None else partial(redirect, config),
        proxies=config.server.proxies,
        on_death=(lambda: counters.add((DIED, 1))) if counters else lambda: None,
        offload=_offload(config),
        blocking=_blocking(config),
    )


def _shared_key(config: Config) -> bytes:
    """32 secret bytes, one for all workers of all nodes: what one of them signs, all believe."""
    if not config.database.url:
        return secrets.token_bytes(32)
    records = open_records(config)
    try:
        return shared_key(records.database)
    finally:
        records.close()


def _blocking(config: Config) -> frozenset[str]:
    """The methods whose requests wait: for the disk to have what was changed, or for object storage."""
    changing = frozenset(["PUT", "POST", "DELETE", "MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK", "UNLOCK"])
    if config.storage.kind != "local":
        return changing | {"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"}
    return frozenset() if config.storage.durability == "none" else changing


def _offload(config: Config) -> Offload | None:
    """How the front server is told to send a file, where it is to."""
    server = config.server
    if server.send_files == "directly":
        return None
    return Offload(server.send_files, (config.storage.data / "files").resolve(), server.send_files_prefix)


def certificate(config: Config) -> Certificate | None:
    """The certificate to serve with, made first where it is to be self-signed. Raises ConfigError."""
    tls = config.tls
    if tls.certificate and tls.key:
        return Certificate(tls.certificate, tls.key)
    if tls.self_signed:
        return self_signed(config.storage.data / "tls", config.server.host)
    return None


def redirect(config: Config) -> WSGIApplication:
    """What answers where plain HTTP leads to HTTPS."""
    return RequestLog(Redirect(config.tls.redirect_to), _request_lines(config))


@dataclass(frozen=True, slots=True)
class Application:
    """The whole server as one WSGI application. Close it: `ends` are called in their order."""

    run: WSGIApplication
    ends: tuple[Callable[[], None], ...]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.run(environ, start_response)

    def close(self) -> None:
        for end in self.ends:
            end()


def application(config: Config, key: bytes, counters: Counters | None = None) -> Application:
    """For one process. `key` is 32 secret bytes, and `counters` the same, in all of a server's processes."""
    records = open_records(config)
    storage = open_storage(config, records)
    whole: WSGIApplication = Health(_doors(config, records, storage, key), partial(readiness, config, records))
    if config.tls.hsts is not None:
        whole = OnlyHttps(whole, config.tls.hsts)
    upkeep = Upkeep(records.database, partial(sweep, config, records, storage), every=config.keep.sweep)
    upkeep.start()
    reports, ends = _reports(config), [upkeep.stop, storage.close, records.close]
    if config.webhook.url:
        webhook = _webhook(config)
        reports.append(webhook.report)
        ends.insert(0, webhook.stop)
    if counters is None:
        return Application(RequestLog(whole, _all(reports)), tuple(ends))
    counts = RequestCounts(counters)
    records.passwords.waited = counts.hash_waited
    survey = Survey(storage.totals)
    exporter = _exporter(config, counters, records, survey)
    exporter.start()
    run = RequestLog(whole, _all([counts.done, *reports]), counts.begun)
    return Application(run, (exporter.stop, survey.stop, *ends))


def _webhook(config: Config) -> Webhook:
    from filehost_dav.logs.webhook import Receiver, Webhook  # noqa: PLC0415 - most starts need no HTTP client

    return Webhook(Receiver(config.webhook.url, config.webhook.secret))


def _exporter(config: Config, counters: Counters, records: Records, survey: Survey[Totals]) -> Exporter:
    from filehost_dav.metrics.exporter import Exporter  # noqa: PLC0415 - nor another HTTP server

    render = lambda: as_open_metrics(counters, gauges(config, records, survey.latest()))  # noqa: E731
    return Exporter(host_and_port(config.metrics.listen), lambda: counters.take(0), render)


def gauges(config: Config, records: Records, totals: Totals | None) -> dict[str, tuple[str, float]]:
    """What is counted when somebody asks, and what was found in the storage before."""
    (locks,) = records.database.query("SELECT count(*) FROM lock WHERE expires > ?", (int(time.time()),))[0]
    (users,) = records.database.query("SELECT count(*) FROM account")[0]
    stored = totals and {
        "files_bytes": ("What files take.", totals.used),
        "kept_bytes": ("What the trash and earlier versions take.", totals.kept),
        "trash_entries": ("Files and folders in the trash.", totals.trashed),
    }
    return {
        **(stored or {}),
        "users": ("Accounts.", users),
        "locks": ("Locks that clients hold.", locks),
        "waiting": (
            "Users, addresses and networks that must wait after failed sign-ins.",
            len(records.throttle.bans()),
        ),
        "disk_free_bytes": (
            "Room on the disk of the data folder.",
            shutil.disk_usage(config.storage.data).free,
        ),
    }


def _all(reports: list[Callable[[Record], None]]) -> Callable[[Record], None]:
    def report(record: Record) -> None:
        for each in reports:
            each(record)

    return reports[0] if len(reports) == 1 else report


def sweep(config: Config, records: Records, storage: Storage) -> None:
    """Clear what is due everywhere. Raises Unavailable."""
    LockStore(records.database).sweep()
    for user in records.users.list():
        home_of(config, storage, user).sweep(int(time.time()))
    storage.sweep()


def readiness(config: Config, records: Records) -> None:
    """Raises FilehostError or OSError when requests cannot be served now."""
    records.database.query("SELECT 1")
    if (
        config.storage.kind == "local"
        and shutil.disk_usage(config.storage.data).free <= config.storage.keep_free
    ):
        raise Full("The disk has no room for uploads")


def _doors(config: Config, records: Records, storage: Storage, key: bytes) -> WSGIApplication:
    """From outside in: a browser's session, the sign-in, the user's home, then the page or WebDAV."""
    accounts = config.accounts
    plain_http = accounts.plain_http == "anywhere"
    door = _signing_in(config, records, key)
    known = _accounts(config, records, door, key)
    pages = Pages(
        known,
        policy_of=partial(policy_of, config),
        key=key,
        plain_http=plain_http,
        largest=config.limits.file_size,
        oidc=identities.oidc_page(config, records, known, key),
    )
    dav = build(records.database, whole_trees=config.limits.whole_trees)
    homes = Homes(pages, dav, partial(home_of, config, storage))
    limits = config.limits
    allowed = Allowed(limits.requests_per_address, limits.requests_per_user, limits.uploads_per_user)
    counts = Counts()
    gate = Gate(
        Crowd(homes, allowed, counts),
        door,
        realm=accounts.realm,
        plain_http=plain_http,
        own=accounts.own_password,
    )
    header = identities.trusted_header(config, records)
    front = FrontDoor(gate, pages, records.sessions, records.users.active, header)
    return Crowd(foreseeing(front, records.database, storage), allowed, counts)


def foreseeing(application: WSGIApplication, database: Database, storage: Storage) -> WSGIApplication:
    """Let what the methods ask first go along with what the sign-in asks."""
    locks = LockStore(database)

    def writing(name: str, path: FilePath) -> Iterator[Statement]:
        yield from storage.writing(name, path)
        yield locks.question(name)

    looking = dict.fromkeys(("GET", "HEAD", "PROPFIND", "PROPPATCH", "COPY", "MOVE", "DELETE"), storage.looking)
    questions = {**looking, LISTING: storage.listing, "PUT": writing}
    return Foresight(application, database.alongside, questions)


def _accounts(config: Config, records: Records, door: SigningIn, key: bytes) -> Accounts:
    users = records.users
    return Accounts(
        records.sessions,
        door.with_account_password,
        lambda name, new: users.set_password(name, records.passwords.hash(new)),
        records.app_passwords,
        records.codes,
        SecondStep(users, records.codes, records.throttle, key=key, clock=time.time),
        config.accounts.realm,
        bool(config.ldap.url),
    )


def _signing_in(config: Config, records: Records, key: bytes) -> SigningIn:
    def memory(seconds: int) -> Memory[Proof]:
        return Memory(key=key, generation=records.database.generation, clock=time.time, seconds=seconds)

    remembered = config.accounts.remember
    return SigningIn(
        records.users,
        records.passwords,
        records.app_passwords,
        records.throttle,
        right=memory(remembered),
        # A directory does not tell of new passwords: one that was wrong may soon be right.
        wrong=memory(min(remembered, 30) if config.ldap.url else remembered),
        directory=identities.directory(config, records),
    )


def _reports(config: Config) -> list[Callable[[Record], None]]:
    """Who is told of each finished request."""
    reports = [_request_lines(config)]
    if config.log.audit:
        reports.append(Audit(config.log.audit, reads=config.log.audit_reads).report)
    return reports


def _request_lines(config: Config) -> Callable[[Record], None]:
    shape = shape_of(config.log.format)
    wanted = choice_of(config.log.requests, shape)
    return lambda record: write(as_line(record, shape)) if wanted(record) else None


def _limits(config: Config) -> Limits:
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
