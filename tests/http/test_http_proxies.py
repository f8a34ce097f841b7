"""Whose word about the client is believed, and how far."""

from __future__ import annotations

from typing import Any

import pytest
from harness.raw import Raw, ours, request

from filehost_dav.http.proxies import Proxies, believe

LISTED = Proxies.parse(["10.0.0.0/8", "192.0.2.7", "::1"])
NEAR = "10.0.0.1"

CASES = [
    ("nothing is said", NEAR, {}, {}),
    ("one hop", NEAR, {"X_FORWARDED_FOR": "203.0.113.9"}, {"REMOTE_ADDR": "203.0.113.9"}),
    ("a sender that is not listed", "203.0.113.1", {"X_FORWARDED_FOR": "198.51.100.1"}, {}),
    ("a forged beginning", NEAR, {"X_FORWARDED_FOR": "1.1.1.1, 203.0.113.9"}, {"REMOTE_ADDR": "203.0.113.9"}),
    (
        "a chain of listed proxies",
        NEAR,
        {"X_FORWARDED_FOR": "1.1.1.1, 203.0.113.9, 192.0.2.7"},
        {"REMOTE_ADDR": "203.0.113.9"},
    ),
    ("an address with its port", NEAR, {"X_FORWARDED_FOR": "203.0.113.9:4711"}, {"REMOTE_ADDR": "203.0.113.9"}),
    ("an address of IPv6", NEAR, {"X_FORWARDED_FOR": "[2001:db8::1]:80"}, {"REMOTE_ADDR": "2001:db8::1"}),
    ("no address at all", NEAR, {"X_FORWARDED_FOR": "unknown"}, {}),
    ("a scheme", NEAR, {"X_FORWARDED_PROTO": "https"}, {"wsgi.url_scheme": "https"}),
    ("a scheme of its own", NEAR, {"X_FORWARDED_PROTO": "javascript"}, {}),
    ("a forged scheme", NEAR, {"X_FORWARDED_PROTO": "https, http"}, {"wsgi.url_scheme": "http"}),
    ("a host", NEAR, {"X_FORWARDED_HOST": "files.example:8443"}, {"HTTP_HOST": "files.example:8443"}),
    ("a host that is none", NEAR, {"X_FORWARDED_HOST": "a/b\r\n"}, {}),
    (
        "the standard field",
        NEAR,
        {"FORWARDED": 'for=203.0.113.9;proto=https;host="files.example"'},
        {"REMOTE_ADDR": "203.0.113.9", "wsgi.url_scheme": "https", "HTTP_HOST": "files.example"},
    ),
    (
        "the standard field before the others",
        NEAR,
        {"FORWARDED": "for=203.0.113.9", "X_FORWARDED_FOR": "203.0.113.10"},
        {"REMOTE_ADDR": "203.0.113.9"},
    ),
    (
        "a chain in the standard field",
        NEAR,
        {"FORWARDED": 'for=1.1.1.1, For="[2001:db8::1]:4711";proto=https, for=192.0.2.7;proto=http'},
        {"REMOTE_ADDR": "2001:db8::1", "wsgi.url_scheme": "https"},
    ),
    ("a hidden name", NEAR, {"FORWARDED": "for=_hidden;proto=https"}, {"wsgi.url_scheme": "https"}),
    ("a malformed standard field", NEAR, {"FORWARDED": 'for="203.0.113.9'}, {}),
    ("a proxy on IPv6", "::1", {"X_FORWARDED_FOR": "203.0.113.9"}, {"REMOTE_ADDR": "203.0.113.9"}),
    ("a mapped address", "::ffff:10.0.0.1", {"X_FORWARDED_FOR": "203.0.113.9"}, {"REMOTE_ADDR": "203.0.113.9"}),
    ("a unix socket that is not listed", "", {"X_FORWARDED_FOR": "203.0.113.9"}, {}),
]


@pytest.mark.parametrize(
    ("sender", "said", "changed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_proxy_is_believed_when_it_is_listed(
    sender: str, said: dict[str, str], changed: dict[str, str]
) -> None:
    environ: dict[str, Any] = {"REMOTE_ADDR": sender, "HTTP_HOST": "inner", "wsgi.url_scheme": "http"}
    environ |= {f"HTTP_{name}": value for name, value in said.items()}
    told = believe(environ, LISTED)
    kept = ("REMOTE_ADDR", "HTTP_HOST", "wsgi.url_scheme")
    assert {key: told[key] for key in kept} == {key: environ[key] for key in kept} | changed


def test_a_unix_socket_can_be_listed() -> None:
    environ = {"REMOTE_ADDR": "", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert believe(environ, Proxies.parse(["unix"]))["REMOTE_ADDR"] == "203.0.113.9"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        Proxies.parse(["10.0.0.0/99"])


@pytest.mark.parametrize(("listed", "seen"), [(["127.0.0.1"], b"203.0.113.9"), ([], b"127.0.0.1")])
def test_the_application_sees_the_client_behind_a_listed_proxy(listed: list[str], seen: bytes) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [environ["REMOTE_ADDR"].encode()]

    with ours(app, proxies=tuple(listed)) as port, Raw(port) as client:
        assert client.ask(request("GET", "/", "X-Forwarded-For: 203.0.113.9")).body == seen
