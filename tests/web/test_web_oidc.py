"""Signing in at a provider of OpenID Connect: who gets in, and every way in which nobody may."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from harness.page import PASSWORD, Answer, Visitor, between
from harness.provider import ACCESS, CLIENT, SECRET, Provider, provided
from harness.server import Server, run
from joserfc.jwk import RSAKey

StartServer = Callable[..., Server]
NOW = int(time.time())


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provided() as running:
        yield running


def settings(provider: Provider, **more: str) -> dict[str, str]:
    given = {"ISSUER": provider.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "TIMEOUT": "2 s", **more}
    return {f"FILEHOST_OIDC_{name}": value for name, value in given.items()}


@pytest.fixture
def server(start_server: StartServer, provider: Provider) -> Server:
    """A server with the user anna, who has a password, too."""
    server = start_server(FILEHOST_SERVER_WORKERS="2", **settings(provider))
    server.add_user("anna", password=PASSWORD)
    return server


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server.port)


def leave(visitor: Visitor, target: str = "") -> str:
    """Off to the provider; where it sends the browser back to, on this site."""
    away = visitor.get("/.filehost/oidc" + (f"?next={target}" if target else ""))
    assert away.status == 303, away.text
    parts = urlsplit(away.headers["Location"])
    back = Visitor(parts.port or 0)("GET", f"{parts.path}?{parts.query}").headers["Location"]
    return f"{urlsplit(back).path}?{urlsplit(back).query}"


def sign_in(visitor: Visitor, target: str = "") -> Answer:
    return visitor.get(leave(visitor, target))


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/").status == 200


def test_the_sign_in_page_leads_to_the_provider_and_back_to_where_one_was(visitor: Visitor) -> None:
    page = visitor.get("/.filehost/signin?next=/deep/?plain").text
    link = between(page, '<a class="button" href="', '"').replace("&amp;", "&")
    assert link.startswith("/.filehost/oidc?next=%2Fdeep")
    answer = sign_in(visitor, "/deep/?plain")
    assert answer.status == 200
    assert 'content="0; url=/deep/?plain"' in answer.text
    cookie = next(c for c in answer.headers.get_all("Set-Cookie") or () if c.startswith("filehost="))
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert is_in(visitor)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_signing_in_leads_to_no_other_site(visitor: Visitor, target: str) -> None:
    assert 'content="0; url=/"' in sign_in(visitor, target).text


OTHER_KEY = RSAKey.generate_key(2048)
LIES: dict[str, dict[str, Any]] = {
    "signed by another key": {"signs_with": OTHER_KEY},
    "not signed": {"algorithm": "none"},
    "signed by the client secret": {"algorithm": "HS256"},
    "for another client": {"claims": {"aud": "somebody"}},
    "for several, and another presents it": {"claims": {"aud": [CLIENT, "x"], "azp": "x"}},
    "for several, and nobody presents it": {"claims": {"aud": [CLIENT, "x"]}},
    "from another issuer": {"claims": {"iss": "https://evil.example"}},
    "expired": {"claims": {"exp": NOW - 120}},
    "never expiring": {"claims": {"exp": None}},
    "an expiry that is no time": {"claims": {"exp": True}},
    "from the future": {"claims": {"iat": NOW + 3600}},
    "of another sign-in": {"claims": {"nonce": "other"}},
    "without a nonce": {"claims": {"nonce": None}},
    "of nobody": {"claims": {"sub": None}},
    "without a name": {"claims": {"preferred_username": None}},
    "a name that is none": {"claims": {"preferred_username": ["anna"]}},
    "an unsafe name": {"claims": {"preferred_username": "../anna"}},
    "a stranger": {"claims": {"preferred_username": "carla"}},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_token_that_does_not_hold_signs_nobody_in(
    visitor: Visitor, provider: Provider, lie: dict[str, Any]
) -> None:
    for name, value in lie.items():
        setattr(provider, name, value)
    answer = sign_in(visitor)
    assert answer.status == 403
    assert not is_in(visitor)
    assert "filehost=" not in str(answer.headers.get_all("Set-Cookie"))


def test_several_audiences_hold_when_it_was_made_for_us(visitor: Visitor, provider: Provider) -> None:
    provider.claims = {"aud": [CLIENT, "x"], "azp": CLIENT}
    assert sign_in(visitor).status == 200


def test_a_sign_in_cannot_be_replayed(visitor: Visitor, provider: Provider) -> None:
    back = leave(visitor)
    left = dict(visitor.cookies)
    code = parse_qs(urlsplit(back).query)["code"][0]
    query = dict(provider.codes[code])
    assert visitor.get(back).status == 200
    thief = Visitor(visitor.port, dict(left))
    assert thief.get(back).status == 403  # the code is used
    provider.codes[code] = query  # a provider that does not mind
    answer = thief.get(back)
    assert (answer.status, "used already" in answer.text) == (403, True)
    assert not is_in(thief)


def test_only_the_browser_that_left_can_come_back(visitor: Visitor) -> None:
    back = leave(visitor)
    victim = Visitor(visitor.port)
    assert victim.get(back).status == 403
    leave(victim)
    assert victim.get(back).status == 403
    assert not is_in(victim)


@pytest.mark.parametrize(
    "change", ["state=x", "error=access_denied", "iss=https%3A%2F%2Fevil.example", "code="], ids=range(4)
)
def test_an_answer_that_was_tampered_with_is_refused(visitor: Visitor, provider: Provider, change: str) -> None:
    back = leave(visitor)
    path, _, query = back.partition("?")
    name = change.partition("=")[0]
    kept = [pair for pair in query.split("&") if not pair.startswith(f"{name}=")]
    assert visitor.get(f"{path}?{'&'.join([*kept, change])}").status == 403
    assert "/token" not in provider.requests


@pytest.mark.parametrize("sealed", ["", "x.y.z", "99999999999.YQ==.00", "99999999999.YQ=="], ids=range(4))
def test_a_made_up_cookie_is_worth_nothing(visitor: Visitor, sealed: str) -> None:
    back = leave(visitor)
    visitor.cookies["filehost-oidc"] = sealed
    assert visitor.get(back).status == 403


BROKEN = {
    "down": ("/.well-known/openid-configuration", 500, b"{}"),
    "leading elsewhere": ("/.well-known/openid-configuration", 302, b""),
    "endless": ("/.well-known/openid-configuration", 200, b"[" * (2 << 20)),
    "no JSON": ("/.well-known/openid-configuration", 200, b"<html>"),
}


@pytest.mark.parametrize(("path", "status", "body"), BROKEN.values(), ids=BROKEN)
def test_a_provider_that_fails_is_said_and_the_password_still_works(
    visitor: Visitor, provider: Provider, path: str, status: int, body: bytes
) -> None:
    provider.fails[path] = (status, body)
    answer = visitor.get("/.filehost/oidc")
    assert answer.status == 503
    assert "The sign-in provider does not" in answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert visitor.sign_in("anna").status == 303


@pytest.mark.parametrize("path", ["/token", "/jwks"])
def test_a_provider_that_fails_on_the_way_back_is_said(visitor: Visitor, provider: Provider, path: str) -> None:
    back = leave(visitor)
    provider.fails[path] = (500, b"{}")
    assert visitor.get(back).status == 503
    assert not is_in(visitor)


def test_a_provider_that_does_not_answer_in_time_is_down(visitor: Visitor, provider: Provider) -> None:
    provider.slow = 3
    began = time.monotonic()
    assert visitor.get("/.filehost/oidc").status == 503
    assert time.monotonic() - began < 15
    provider.slow = 0


@pytest.mark.parametrize(
    "about",
    [{"issuer": "https://evil.example"}, {"token_endpoint": "http://192.0.2.1/token"}, {"jwks_uri": None}],
    ids=range(3),
)
def test_a_provider_that_publishes_nonsense_is_not_used(
    visitor: Visitor, provider: Provider, about: dict[str, Any]
) -> None:
    provider.about = about
    assert visitor.get("/.filehost/oidc").status == 503


def test_a_new_key_of_the_provider_is_taken(start_server: StartServer, provider: Provider) -> None:
    server = start_server(FILEHOST_SERVER_WORKERS="1", **settings(provider))
    server.add_user("anna")
    assert sign_in(Visitor(server.port)).status == 200
    provider.new_key()
    time.sleep(1.1)  # keys are not read twice in a second
    assert sign_in(Visitor(server.port)).status == 200


def test_the_name_the_group_and_the_rest_can_come_from_userinfo(
    start_server: StartServer, provider: Provider
) -> None:
    server = start_server(**settings(provider, CLAIM="nickname", GROUP="staff"))
    server.add_user("anna")
    provider.userinfo = {"nickname": "anna", "groups": ["staff", "x"]}
    assert sign_in(Visitor(server.port)).status == 200
    provider.userinfo["groups"] = ["staff of another house"]
    answer = sign_in(Visitor(server.port))
    assert (answer.status, "not in the group" in answer.text) == (403, True)
    provider.userinfo = {"nickname": "anna", "groups": "staff", "sub": "somebody else"}
    assert sign_in(Visitor(server.port)).status == 403


def test_an_address_counts_as_a_name_only_when_it_is_verified(
    start_server: StartServer, provider: Provider
) -> None:
    server = start_server(**settings(provider, CLAIM="email", MAKE_USERS="true"))
    provider.claims = {"email": "anna@example.org"}
    assert sign_in(Visitor(server.port)).status == 403
    provider.claims["email_verified"] = True
    assert sign_in(Visitor(server.port)).status == 200
    assert "anna@example.org" in run("user", "list", "--data", str(server.data)).stdout


def test_no_secret_is_written_anywhere(start_server: StartServer, provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    given = settings(provider, CLIENT_SECRET_FILE=str(file), MAKE_USERS="true", CLIENT_SECRET="")
    server = start_server(**given)
    back = leave(visitor := Visitor(server.port))
    assert visitor.get(back).status == 200
    provider.claims = {"aud": "x"}
    assert sign_in(Visitor(server.port)).status == 403
    server.wait_for_log("Sign-in at the provider refused from 127.0.0.1")
    code = parse_qs(urlsplit(back).query)["code"][0]
    records = "".join(sqlite3.connect(server.data / "state.sqlite3").iterdump())
    reports = "".join(
        run(command, "--data", str(server.data), settings=given, check=False).stdout
        for command in ("check", "doctor")
    )
    assert f"at {provider.issuer}: everybody there" in reports
    for secret in (SECRET, code, ACCESS):
        assert secret not in server.log, secret
        assert secret not in records
    assert SECRET not in reports


def test_a_secret_file_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    given = {
        "FILEHOST_OIDC_ISSUER": "https://sso.example.org",
        "FILEHOST_OIDC_CLIENT_ID": "x",
        "FILEHOST_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "none"),
    }
    ended = run("serve", "--data", str(tmp_path / "data"), "--port", "0", settings=given, check=False)
    assert (ended.returncode, "oidc.client_secret_file" in ended.stderr) == (78, True)
