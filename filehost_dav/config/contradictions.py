"""Settings that are right one by one and impossible together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from filehost_dav.config.addresses import is_address, is_host, is_private_url
from filehost_dav.config.sections import Config

# No header that means something already.
_HEADER = re.compile(
    "(?!(authorization|cookie|host|origin|forwarded|content-.*|sec-.*|x-forwarded-(for|host|proto))$)[a-z0-9-]+",
    re.IGNORECASE,
)
_LDAP = re.compile(r"ldaps?://([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
_LDAP_HERE = re.compile(r"ldap://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?")


def contradictions(config: Config) -> Iterator[str]:
    """What cannot be, each as a sentence that names the settings."""
    yield from _doors(config)
    yield from _proxies(config)
    yield from _provider(config)
    yield from _directory(config)
    yield from _files(config)
    yield from _addresses(config)


def _doors(config: Config) -> Iterator[str]:
    tls, server = config.tls, config.server
    if (tls.certificate is None) is not (tls.key is None):
        yield "tls.certificate and tls.key belong together: give both, or none"
    if tls.self_signed and tls.certificate:
        yield "tls.self_signed makes a certificate, tls.certificate names one: choose one of them"
    if server.unix and (tls.self_signed or tls.certificate):
        yield "server.unix is for a proxy on this machine, which does TLS itself: leave [tls] out"
    if tls.redirect_from and not (tls.self_signed or tls.certificate):
        yield "tls.redirect_from leads to HTTPS: give a certificate, or leave it to the proxy that has one"
    if tls.redirect_from and not is_address(tls.redirect_from):
        yield f'tls.redirect_from = "{tls.redirect_from}" is no address and port such as 0.0.0.0:80'
    if tls.redirect_to and not is_host(tls.redirect_to):
        yield f'tls.redirect_to = "{tls.redirect_to}" is no host such as files.example.org'


def _proxies(config: Config) -> Iterator[str]:
    server, header = config.server, config.header
    yield from _networks("server.proxies", server.proxies, config)
    yield from _networks("header.proxies", header.proxies, config)
    if header.name and not header.proxies:
        yield 'header.name needs header.proxies, the addresses whose word is believed: ["127.0.0.1"], say'
    if header.proxies and not header.name:
        yield "header.proxies is set, and header.name is not: name the header, Remote-User for instance"
    if header.name and not _HEADER.fullmatch(header.name):
        yield f"header.name = {header.name!r}: a header of its own is needed, of letters, digits and -"
    for proxy in header.proxies:
        if proxy.endswith("/0"):
            yield f"header.proxies: {proxy} is everybody, and everybody could be any user: name the proxy"


def _provider(config: Config) -> Iterator[str]:
    oidc = config.oidc
    if bool(oidc.issuer) is not bool(oidc.client_id):
        yield "oidc.issuer and oidc.client_id belong together: give both, or none"
    if oidc.issuer and not is_private_url(oidc.issuer):
        yield f'oidc.issuer = "{oidc.issuer}" is no address such as https://sso.example.org'
    if oidc.client_secret and oidc.client_secret_file:
        yield "oidc.client_secret and oidc.client_secret_file are the same secret: give one of them"
    if oidc.issuer and "openid" not in oidc.scopes:
        yield 'oidc.scopes needs "openid"'


def _directory(config: Config) -> Iterator[str]:
    ldap = config.ldap
    if bool(ldap.url) is not bool(ldap.base):
        yield "ldap.url and ldap.base belong together: give both, or none"
    if ldap.url and not _LDAP.fullmatch(ldap.url):
        yield f'ldap.url = "{ldap.url}" is no address such as ldaps://directory.example.org'
    elif ldap.url.startswith("ldap://") and not (ldap.starttls or ldap.plain or _LDAP_HERE.fullmatch(ldap.url)):
        yield "ldap.url: passwords would go out in the clear; use ldaps:// or ldap.starttls = true"
    if "{user}" not in ldap.filter:
        yield "ldap.filter needs {user} where the name goes"
    if ldap.bind_password and ldap.bind_password_file:
        yield "ldap.bind_password and ldap.bind_password_file are the same password: give one of them"
    if bool(ldap.bind_dn) is not bool(ldap.bind_password or ldap.bind_password_file):
        yield "ldap.bind_dn and its password belong together: give both, or none"


def _networks(setting: str, proxies: tuple[str, ...], config: Config) -> Iterator[str]:
    if "unix" in proxies and not config.server.unix:
        yield f'{setting} has "unix", and server.unix is not set'
    for proxy in proxies:
        if proxy != "unix" and not _is_network(proxy):
            yield f'{setting}: {proxy!r} is no address or network such as "10.0.0.1" or "10.0.0.0/8"'


def _files(config: Config) -> Iterator[str]:
    if "*" in config.policy.extensions and len(config.policy.extensions) > 1:
        yield 'policy.extensions: "*" allows any type, so no other can stand beside it'
    if config.storage.kind == "object" and not config.object.bucket:
        yield 'storage.kind = "object" needs object.bucket'
    if config.keep.sweep < 60:
        yield "keep.sweep: less than a minute would only keep the disk busy"


def _addresses(config: Config) -> Iterator[str]:
    if config.metrics.listen and not is_address(config.metrics.listen):
        yield f'metrics.listen = "{config.metrics.listen}" is no address and port such as 127.0.0.1:9464'
    if config.webhook.url and not config.webhook.secret:
        yield "webhook.url needs webhook.secret: an unsigned message could be anybody's"
    if config.webhook.url and not config.webhook.url.startswith(("http://", "https://")):
        yield f'webhook.url = "{config.webhook.url}" is no address such as https://example.org/changes'
    clamd = config.scan.clamd
    if clamd and not clamd.startswith("/") and not is_address(clamd):
        yield f'scan.clamd = "{clamd}" is neither the path of a socket nor an address and port'


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
