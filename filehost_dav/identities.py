"""Identities: who else may say who somebody is, as the settings have it: a proxy, a provider, a directory.

Each brings its own libraries, which are loaded where it is used. It wires, it computes nothing.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from filehost_dav.accounts.vouched import Vouched
from filehost_dav.config import Config
from filehost_dav.errors import ConfigError
from filehost_dav.http.proxies import Proxies
from filehost_dav.web.trusted_header import TrustedHeader

if TYPE_CHECKING:
    from pathlib import Path

    from filehost_dav.accounts.directory import Directory, Place
    from filehost_dav.accounts.oidc.client import Client
    from filehost_dav.records import Records
    from filehost_dav.web.accounts import Accounts
    from filehost_dav.web.oidc_page import OidcPage


def check(config: Config) -> None:
    """Raises ConfigError when a library is missing, or a secret's file cannot be read."""
    _oidc_client(config)
    _directory_place(config)


def trusted_header(config: Config, records: Records) -> TrustedHeader | None:
    """Who may say in a header who signs in; None where nobody may."""
    if not config.header.name:
        return None
    proxies = Proxies.parse(config.header.proxies)
    vouched = Vouched(records.users, config.header.make_users)
    return TrustedHeader(config.header.name, proxies.trust, vouched.user)


def oidc_page(config: Config, records: Records, accounts: Accounts, key: bytes) -> OidcPage | None:
    """The page's way to the provider, where there is one."""
    client = _oidc_client(config)
    if client is None:
        return None
    from filehost_dav.accounts.oidc.provider import Provider  # noqa: PLC0415 - only where it is used
    from filehost_dav.accounts.oidc.used import UsedStates  # noqa: PLC0415
    from filehost_dav.web.oidc_page import STATE_HOLDS, OidcPage, SignOn  # noqa: PLC0415

    used = UsedStates(records.database, time.time, kept=STATE_HOLDS)
    identify = Vouched(records.users, config.oidc.make_users).user
    return OidcPage(SignOn(Provider(client, key), used, identify, config.oidc.name), accounts, key)


def directory(config: Config, records: Records) -> Directory | None:
    """What knows the passwords of whoever has none here, where there is one."""
    place = _directory_place(config)
    if place is None:
        return None
    from filehost_dav.accounts.directory import Directory  # noqa: PLC0415 - only where it is used

    return Directory(place, Vouched(records.users, config.ldap.make_users), time.monotonic)


def _oidc_client(config: Config) -> Client | None:
    """What is agreed with the provider, where there is one. Raises ConfigError."""
    oidc = config.oidc
    if not oidc.issuer:
        return None
    _need("joserfc", "oidc.issuer", "oidc")
    from filehost_dav.accounts.oidc.client import Client  # noqa: PLC0415 - only where it is used

    secret = _secret(oidc.client_secret, oidc.client_secret_file, "oidc.client_secret_file")
    agreed = (oidc.scopes, oidc.claim, oidc.group, oidc.group_claim, oidc.timeout)
    return Client(oidc.issuer, oidc.client_id, secret, *agreed)


def _directory_place(config: Config) -> Place | None:
    """Where the directory is, where there is one. Raises ConfigError."""
    ldap = config.ldap
    if not ldap.url:
        return None
    _need("ldap3", "ldap.url", "ldap")
    from filehost_dav.accounts.directory import Place  # noqa: PLC0415 - only where it is used

    password = _secret(ldap.bind_password, ldap.bind_password_file, "ldap.bind_password_file")
    found = (ldap.url, ldap.base, ldap.filter, ldap.bind_dn, password)
    return Place(*found, starttls=ldap.starttls, authorities=ldap.authorities, seconds=ldap.timeout)


def _need(library: str, setting: str, extra: str) -> None:
    if not find_spec(library):
        raise ConfigError([f"{setting}: a library is missing; pip install 'filehost-dav[{extra}]'"])


def _secret(given: str, file: Path | None, setting: str) -> str:
    """The secret itself, or what its file holds. Raises ConfigError."""
    if file is None:
        return given
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{setting} = {file}: cannot be read"]) from error
