"""`filehost-dav serve`: the server in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from ipaddress import ip_address

import click

from filehost_dav import app
from filehost_dav.accounts.users import User
from filehost_dav.cli.place import Place, become_owner, place_options
from filehost_dav.config import Config
from filehost_dav.http import systemd, workers
from filehost_dav.http.listener import Address
from filehost_dav.http.self_signed import fingerprint
from filehost_dav.logs import events
from filehost_dav.logs.lines import shape_of
from filehost_dav.records import open_records

FIRST_USER = "me"


@click.command("serve")
@click.option("--host", metavar="H", help="Address to listen on; 0.0.0.0 or :: for every one of this machine.")
@click.option("--port", metavar="N", help="Port to listen on; 0 takes a free one.")
@click.option(
    "--tls", type=click.Choice(["self-signed"]), help="Serve HTTPS with a certificate made for the purpose."
)
@place_options
def command(place: Place, host: str | None, port: str | None, tls: str | None) -> None:
    """Serve files until stopped by Ctrl-C or SIGTERM.

    Without any account, the first start makes one and prints its password once. SIGHUP reads the
    configuration again and replaces the workers; no client is turned away.
    """

    def load() -> Config:
        signed = None if tls is None else True
        return place.settings(server__host=host, server__port=port, tls__self_signed=signed)

    first = load()
    events.begin(shape_of(first.log.format))
    password = _first_account(first)
    serve(first, load, password)


def serve(first: Config, load: Callable[[], Config], password: str | None) -> None:
    """Serve; `password` is the first account's, just made, to be shown when clients may come."""

    def ready(addresses: list[Address]) -> None:
        for url, redirects in addresses:
            click.echo(f"Browsers at {url} are sent on to https://" if redirects else f"Listening on {url}")
        for line in _notes(first):
            click.echo(line)
        if password is not None:
            click.echo(_welcome(_for_clients(addresses[0].url), password))

    try:
        workers.serve(app.listeners(first, systemd.inherited()), lambda: app.service(load()), on_ready=ready)
    except OSError as error:
        raise click.ClickException(_why(first, error)) from error
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error


def _first_account(config: Config) -> str | None:
    """The password of the account that was made because there was none."""
    become_owner(config.storage.data)
    records = open_records(config)
    try:
        if records.users.list():
            return None
        password = generated_password()
        records.users.add(User(FIRST_USER), records.passwords.hash(password))
        return password
    finally:
        records.close()


def generated_password() -> str:
    """Twenty letters and digits in groups, without those that look alike: about 98 bits."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def _notes(config: Config) -> list[str]:
    """What whoever starts the server should know."""
    certificate = app.certificate(config) if config.tls.self_signed else None
    if certificate is not None:
        return [f"The certificate is self-signed; its SHA-256 fingerprint is\n  {fingerprint(certificate)}"]
    plain = config.tls.certificate is None and config.server.unix is None and not config.server.proxies
    if plain and config.accounts.plain_http == "local" and not _is_loopback(config.server.host):
        return [
            "Other machines cannot sign in: passwords are taken over plain HTTP from this machine only.\n"
            "Start with --tls self-signed, give a certificate in [tls], name your proxy in server.proxies,\n"
            'or set accounts.plain_http = "anywhere" where the network is trusted.'
        ]
    return []


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _for_clients(url: str) -> str:
    """An address somebody can type where the server listens on all of them."""
    return url.replace("//0.0.0.0:", "//localhost:").replace("//[::]:", "//localhost:")


def _why(config: Config, error: OSError) -> str:
    if error.filename:
        return f"{error.filename}: {error.strerror}"
    where = str(config.server.unix or f"{config.server.host}, port {config.server.port}")
    return f"Cannot listen on {where}: {error.strerror or error}"


def _welcome(url: str, password: str) -> str:
    account = f"vendor=owncloud user={FIRST_USER} pass={password}"
    return f"""
No account existed, so one was made. This password is shown only now:

    user      {FIRST_USER}
    password  {password}

Connect:

    browser   {url}
    rclone    rclone config create filehost webdav url={url} {account} --obscure
    Finder    Go > Connect to Server (Cmd-K), {url}
    Explorer  This PC > Map network drive, folder {url}
              (Windows sends passwords over https:// only, unless BasicAuthLevel is 2)
    Linux     file manager: {url.replace("http", "dav", 1)}

More users: filehost-dav user add NAME. Another password: filehost-dav user passwd {FIRST_USER}.
"""
