"""Timeout, X-OC-Mtime and digests: understood, bounded, or ignored."""

from __future__ import annotations

import pytest

from filehost_dav.dav.digests import promised, wanted
from filehost_dav.dav.locking import LONGEST_TIMEOUT, timeout
from filehost_dav.dav.statuses import Refusal
from filehost_dav.dav.times import oc_mtime


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 3600),
        ("", 3600),
        ("Second-600", 600),
        ("Infinite, Second-600", LONGEST_TIMEOUT),
        ("second-5", 5),
        ("Second-0", 1),
        ("Second-4100000000", LONGEST_TIMEOUT),
        ("Second-99999999999999999999", 3600),
        ("Extended-1, Second-60", 60),
        ("soon", 3600),
    ],
)
def test_timeouts_stay_within_bounds(header: str | None, seconds: int) -> None:
    assert timeout(header) == seconds


@pytest.mark.parametrize(
    ("header", "nanoseconds"),
    [
        ("1700000000", 1_700_000_000 * 10**9),
        ("1700000000.25", 1_700_000_000_250_000_000),
        ("-1", -(10**9)),
        ("-1.5", -1_500_000_000),
        ("0", 0),
        ("now", None),
        ("1e9", None),
        ("", None),
        ("١٧", None),
        ("99999999999999999999", None),
    ],
)
def test_an_mtime_is_a_number_or_ignored(header: str, nanoseconds: int | None) -> None:
    assert oc_mtime(header) == nanoseconds


EMPTY_MD5, EMPTY_SHA1 = "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"OC_CHECKSUM": f"SHA1:{EMPTY_SHA1}"}, {"sha1": EMPTY_SHA1}),
        ({"OC_CHECKSUM": f"sha1:{EMPTY_SHA1.upper()} MD5:{EMPTY_MD5}"}, {"sha1": EMPTY_SHA1, "md5": EMPTY_MD5}),
        ({"OC_CHECKSUM": "CRC32C:00000000"}, {}),
        ({"CONTENT_MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, {"md5": EMPTY_MD5}),
        (
            {"CONTENT_DIGEST": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:, unixsum=:AA==:"},
            {"sha256": EMPTY_SHA256},
        ),
        ({"OC_CHECKSUM": "SHA1:abc"}, None),
        ({"CONTENT_MD5": "!"}, None),
        ({"CONTENT_MD5": "1B2M2Y8AsgTpgAmY7PhCfg==", "OC_CHECKSUM": "MD5:" + "0" * 32}, None),
    ],
)
def test_promised_checksums(headers: dict[str, str], expected: dict[str, str] | None) -> None:
    environ = {f"HTTP_{name}": value for name, value in headers.items()}
    if expected is None:
        with pytest.raises(Refusal):
            promised(environ)
    else:
        assert promised(environ) == expected


@pytest.mark.parametrize(
    ("header", "algorithm"),
    [
        ("sha-256=1", "sha-256"),
        ("sha-256=1, sha-512=3", "sha-512"),
        ("SHA-256", "sha-256"),
        ("sha-512=0", None),
        ("md5=9", None),
        ("", None),
    ],
)
def test_the_digest_wanted_most(header: str, algorithm: str | None) -> None:
    assert wanted(header) == algorithm
