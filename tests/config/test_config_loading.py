"""Loading: what wins over what, and that every mistake is reported, with its place, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from filehost_dav.config import load
from filehost_dav.errors import ConfigError


def problems(tmp_path: Path, source: str, environment: dict[str, str] | None = None) -> list[str]:
    """What is wrong, with the folder of the file left out."""
    file = tmp_path / "f.toml"
    file.write_text(source)
    with pytest.raises(ConfigError) as caught:
        load(file, environment or {})
    return [problem.replace(str(tmp_path) + "/", "") for problem in caught.value.problems]


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text('[server]\nport = 1\nhost = "file"\n[log]\nformat = "json"\n')
    environment = {"FILEHOST_SERVER_PORT": "2", "FILEHOST_SERVER_HOST": "environment"}
    config = load(file, environment, {"server.port": "3"})
    assert (config.server.port, config.server.host, config.log.format) == (3, "environment", "json")


def test_an_option_that_was_not_given_changes_nothing() -> None:
    assert load(None, {"FILEHOST_SERVER_PORT": "2"}, {"server.port": None}).server.port == 2


MISTAKES = {
    "unknown key": ("[server]\n\nprot = 1", "f.toml:3: [server] has no setting prot; did you mean port?"),
    "unknown section": ("[sever]\nport = 1", "f.toml:2: there is no section [sever]; did you mean server?"),
    "empty unknown section": ("[zzz]", "f.toml:1: there is no section [zzz]"),
    "key without section": ("port = 1", "f.toml:1: port stands outside a section; sections begin with [name]"),
    "dotted key": ("server.prot = 1", "f.toml:1: [server] has no setting prot; did you mean port?"),
    "text for a number": (
        '[server]\nport = "eighty"',
        "f.toml:2: server.port = 'eighty': a whole number from 0 to 65535 is needed",
    ),
    "too large a number": (
        "[server]\nport = 70000",
        "f.toml:2: server.port = 70000: a whole number from 0 to 65535 is needed",
    ),
    "true for a number": (
        "[server]\nport = true",
        "f.toml:2: server.port = True: a whole number from 0 to 65535 is needed",
    ),
    "number for a text": ("[server]\nhost = 1", "f.toml:2: server.host = 1: text in quotes is needed"),
    "no such choice": (
        '[storage]\ndurability = "ful"',
        'f.toml:2: storage.durability = \'ful\': one of "none", "data", "full" is needed',
    ),
    "not a list": (
        "[policy]\nextensions = 3",
        'f.toml:2: policy.extensions = 3: a list of texts is needed, such as ["one", "two"]',
    ),
    "no such unit": (
        '[accounts]\nquota = "10 parsecs"',
        "f.toml:2: accounts.quota = '10 parsecs': a size is a number and a unit, such as 500 MB or 10 GiB",
    ),
}


@pytest.mark.parametrize(("source", "problem"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_reported_with_its_line_and_what_would_be_right(
    tmp_path: Path, source: str, problem: str
) -> None:
    assert problems(tmp_path, source) == [problem]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "[server]\nport = -1\nhots = 1\n[lgo]\na = 1\n", {"FILEHOST_LOG_FORMAT": "xml"})
    assert len(found) == 4


def test_a_file_that_is_not_toml_is_reported_with_the_place(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "[server]\nport = = 1\n")
    assert problem.startswith("f.toml: is not TOML: ")
    assert "line 2" in problem


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    ("name", "value"),
    [("FILEHOST_SERVER_PORT", "http"), ("FILEHOST_SERVER_PROT", "80"), ("FILEHOST_LOG_REQUESTS", "maybe")],
)
def test_a_mistake_in_the_environment_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^environment {name}: "):
        load(None, {name: value})


def test_variables_of_others_are_left_alone() -> None:
    kubernetes = {"FILEHOST_SERVICE_HOST": "10.0.0.1", "FILEHOST_PORT": "tcp://10.0.0.1:80", "FILEHOST": "1"}
    assert load(None, kubernetes) == load(None, {})


@pytest.mark.parametrize(
    ("text", "value"),
    [("*", ("*",)), ("txt,pdf", ("txt", "pdf")), ("txt pdf", ("txt", "pdf")), ("", ())],
)
def test_a_list_in_the_environment_is_separated_by_commas_or_spaces(text: str, value: tuple[str, ...]) -> None:
    assert load(None, {"FILEHOST_POLICY_EXTENSIONS": text}).policy.extensions == value


IMPOSSIBLE = {
    "a certificate without its key": (
        '[tls]\ncertificate = "a.pem"',
        "tls.certificate and tls.key belong together",
    ),
    "two certificates": (
        '[tls]\ncertificate = "a"\nkey = "b"\nself_signed = true',
        "tls.self_signed makes a certificate",
    ),
    "TLS on a Unix socket": ('[server]\nunix = "/s"\n[tls]\nself_signed = true', "server.unix is for a proxy"),
    "a proxy through no socket": ('[server]\nproxies = ["unix"]', "server.unix is not set"),
    "no network": ('[server]\nproxies = ["proxy.local"]', "is no address or network"),
    "a header from nobody": ('[header]\nname = "Remote-User"', "header.name needs header.proxies"),
    "nothing from a proxy": ('[header]\nproxies = ["::1"]', "header.name is not"),
    "a header from everybody": ('[header]\nname = "X-User"\nproxies = ["0.0.0.0/0"]', "everybody could be"),
    "a header with an underscore": ('[header]\nname = "X_User"\nproxies = ["::1"]', "letters, digits and -"),
    "a header with a meaning": ('[header]\nname = "X-Forwarded-For"\nproxies = ["::1"]', "of its own"),
    "a header from a name": ('[header]\nname = "X-User"\nproxies = ["proxy"]', "is no address or network"),
    "a provider that knows nobody": ('[oidc]\nissuer = "https://x"', "oidc.client_id belong together"),
    "a provider in the clear": ('[oidc]\nissuer = "http://x"\nclient_id = "a"', "no address such as https"),
    "a secret too many": (
        '[oidc]\nissuer = "https://x"\nclient_id = "a"\nclient_secret = "b"\nclient_secret_file = "c"',
        "give one of them",
    ),
    "a provider asked for nothing": (
        '[oidc]\nissuer = "https://x"\nclient_id = "a"\nscopes = ["profile"]',
        'oidc.scopes needs "openid"',
    ),
    "a directory without a place": ('[ldap]\nurl = "ldaps://x"', "ldap.base belong together"),
    "no directory": ('[ldap]\nurl = "https://x"\nbase = "dc=x"', "no address such as ldaps"),
    "a directory in the clear": ('[ldap]\nurl = "ldap://x"\nbase = "dc=x"\nstarttls = false', "in the clear"),
    "nobody looked for": ('[ldap]\nurl = "ldaps://x"\nbase = "dc=x"\nfilter = "(uid=x)"', "needs {user}"),
    "a searcher without a password": (
        '[ldap]\nurl = "ldaps://x"\nbase = "dc=x"\nbind_dn = "cn=x"',
        "its password belong together",
    ),
    "any type and one more": ('[policy]\nextensions = ["*", "txt"]', "so no other can stand beside it"),
    "object storage without a bucket": ('[storage]\nkind = "object"', "needs object.bucket"),
    "sweeping all the time": ('[keep]\nsweep = "1 s"', "keep.sweep"),
    "metrics nowhere": ('[metrics]\nlisten = "9464"', "metrics.listen"),
    "an unsigned webhook": ('[webhook]\nurl = "https://x/"', "webhook.secret"),
    "a webhook by post": ('[webhook]\nurl = "mailto:x"\nsecret = "s"', "webhook.url"),
    "clamd nowhere": ('[scan]\nclamd = "clamd"', "scan.clamd"),
}


@pytest.mark.parametrize(("source", "problem"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_settings_that_are_impossible_together_are_named(tmp_path: Path, source: str, problem: str) -> None:
    (found,) = problems(tmp_path, source)
    assert problem in found


def test_a_secret_is_not_shown_when_it_is_wrong() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {}, {"webhook.secret": 12345})
    assert "12345" not in str(caught.value)
