"""Names that can be kept everywhere, and the ASCII names of werkzeug's secure_filename."""

from __future__ import annotations

import pytest

from filehost_dav.paths import FilePath
from filehost_dav.policy.names import ascii_only, portable
from filehost_dav.policy.roles import Policy, Role


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        *[(f"a{character}b.txt", "characters") for character in '\\<>:"|?*'],
        ("a.txt::$DATA", "characters"),
        *[(f"a{mark}fdp.txt", "bidi") for mark in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"],
        *[(name, "edges") for name in (" a.txt", "a.txt ", "a.txt.", "a..", "a. ")],
        *[
            (name, "reserved")
            for name in ("CON", "con.txt", "PRN.pdf", "aux", "nul.tar.txt", "COM0", "com9.txt")
        ],
        *[
            (name, "reserved")
            for name in ("lpt1", "COM\u00b9.txt", "LPT\u00b3", "CONIN$", "conout$.txt", "con .txt")
        ],
        ("a" * 241, "length"),
        ("ä" * 121, "length"),
    ],
)
def test_what_some_system_cannot_keep_is_refused(name: str, rule: str) -> None:
    broken = portable(name, True)
    assert broken is not None
    assert broken.rule == rule


@pytest.mark.parametrize(
    "name",
    [
        *(
            "; # % & + ' ( ) [ ] @ , = ~ $ !",
            "a.b.c.txt",
            "..a",
            "console.txt",
            "com10",
            "com",
            "lpt",
            "a con.txt",
        ),
        *("ä" * 120, "a" * 240, "日本語", "🙂", "e\u0301", "a\u200db", "ÇAğ", "\u0627\u0644"),
    ],
)
def test_everything_else_is_allowed(name: str) -> None:
    assert portable(name, True) is None


@pytest.mark.parametrize("name", ["a:b", "a?", " a", "a.", "con", "nul.txt"])
def test_without_windows_in_mind_these_are_allowed(name: str) -> None:
    assert portable(name, False) is None


# What secure_filename returns for each, with its branch for Windows; only what it leaves alone is accepted.
SECURED = {
    "report.pdf": "report.pdf",
    "a-b_c.d.txt": "a-b_c.d.txt",
    "A.TXT": "A.TXT",
    "0": "0",
    "-a-": "-a-",
    "a..b": "a..b",
    "a b.txt": "a_b.txt",
    "._Rep.pdf": "Rep.pdf",
    ".hidden": "hidden",
    "_a": "a",
    "a_": "a",
    "a.": "a",
    "~$big.docx": "big.docx",
    "фото.jpg": "jpg",
    "résumé.pdf": "resume.pdf",
    "日本語.docx": "docx",
    "a+b.txt": "ab.txt",
    "a\u202efdp.exe": "afdp.exe",
    "CON.txt": "_CON.txt",
    "lpt9": "_lpt9",
    "COM0.a.b": "_COM0.a.b",
    "con": "_con",
    "com10.txt": "com10.txt",
    "COM\u00b9.txt": "_COM1.txt",
    "…": "",
}


@pytest.mark.parametrize("name", SECURED)
def test_the_ascii_policy_accepts_what_secure_filename_leaves_alone(name: str) -> None:
    assert (ascii_only(name) is None) == (SECURED[name] == name)


def test_under_the_ascii_policy_programs_can_still_save() -> None:
    policy = Policy(names="ascii")
    roles = {
        "/a.txt": Role.ALLOWED,
        "/a b.txt": Role.UNSAFE,
        "/фото.jpg": Role.UNSAFE,
        "/._a.txt": Role.SIDE,
        "/34429E5E.tmp": Role.STAGING,
        "/a.txt~": Role.STAGING,
    }
    assert {path: policy.classify(FilePath.parse(path)) for path in roles} == roles
    assert policy.classify(FilePath.parse("/New folder"), is_folder=True) is Role.UNSAFE
