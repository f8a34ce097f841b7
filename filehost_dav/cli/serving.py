"""`filehost-dav serve`: the server in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import secrets

import click

from filehost_dav import app
from filehost_dav.accounts.users import User
from filehost_dav.cli.place import Place, place_options
from filehost_dav.config import Config
from filehost_dav.http.workers import serve

FIRST_USER = "me"


@click.command("serve")
@click.option("--host", metavar="H", help="Address to listen on.")
@click.option("--port", metavar="N", help="Port to listen on; 0 takes a free one.")
@place_options
def command(place: Place, host: str | None, port: str | None) -> None:
    """Serve files until stopped by Ctrl-C or SIGTERM.

    Without any account, the first start makes one and prints its password once.
    """

    def load() -> Config:
        return place.settings(server__host=host, server__port=port)

    first = load()
    password = _first_account(first)

    def ready(url: str) -> None:
        click.echo(f"Listening on {url}")
        if password is not None:
            click.echo(_welcome(url, password))

    try:
        serve(app.listener(first), lambda: app.service(load()), on_ready=ready)
    except OSError as error:
        where = f"{first.server.host}, port {first.server.port}"
        raise click.ClickException(f"Cannot listen on {where}: {error.strerror}") from error


def _first_account(config: Config) -> str | None:
    """The password of the account that was made because there was none."""
    records = app.open_records(config)
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


def _welcome(url: str, password: str) -> str:
    account = f"vendor=other user={FIRST_USER} pass={password}"
    return f"""
No account existed, so one was made. This password is shown only now:

    user      {FIRST_USER}
    password  {password}

Connect:

    rclone    rclone config create filehost webdav url={url} {account} --obscure
    Finder    Go > Connect to Server (Cmd-K), {url}
    Explorer  This PC > Map network drive, folder {url}
              (Windows sends passwords over https:// only, unless BasicAuthLevel is 2)
    Linux     file manager: {url.replace("http", "dav", 1)}

More users: filehost-dav user add NAME. Another password: filehost-dav user passwd {FIRST_USER}.
"""
