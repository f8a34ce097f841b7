"""The role of every name that programs are known to write."""

from __future__ import annotations

import pytest

from filehost_dav.errors import Refused
from filehost_dav.paths import ICON, FilePath
from filehost_dav.policy.patterns import MARKERS, REFUSED, SIDE, STAGING, Patterns
from filehost_dav.policy.roles import DEFAULT_EXTENSIONS, Policy, Role

POLICY = Policy()


def role(path: str, policy: Policy = POLICY, *, is_folder: bool = False) -> Role:
    return policy.classify(FilePath.parse(path), is_folder=is_folder)


@pytest.mark.parametrize("extension", DEFAULT_EXTENSIONS)
def test_every_allowed_type_is_allowed_in_any_case(extension: str) -> None:
    assert role(f"/a/b.{extension}") is Role.ALLOWED
    assert role(f"/B.{extension.upper()}") is Role.ALLOWED


@pytest.mark.parametrize(
    "name",
    [
        "evil.sh",
        "evil.exe",
        "report.pdf.exe",
        "report.pdf.zip",
        "report.pdf.bak",
        "report.pdf.desktop",
        "report.pdf.command",
        "report.pdf.AppImage",
        "report.pdf.html",
        "evil.exe.tmp",
        "evil.sh~",
        "evil.sh.part",
        "noextension",
        ".txt",
        "txt",
        "a.",
        "a.tx",
        "a.txtx",
        "a.asd",
        ".~download.txt",
        "evil\N{ONE DOT LEADER}txt",
        "evil\N{FULLWIDTH FULL STOP}pdf",
        "evil.sh\N{FULLWIDTH FULL STOP}txt",
        "evil.t\u200bxt",
    ],
)
def test_what_is_no_document_and_leads_to_none_is_refused(name: str) -> None:
    assert role(f"/{name}") in (Role.REFUSED, Role.UNSAFE)


@pytest.mark.parametrize(
    "name",
    [
        *("._Report.pdf", "._.DS_Store", ".DS_Store", ".ds_store", ".localized", ICON, ".apdisk"),
        *("Thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", ".directory"),
        *("~$Budget.docx", "~$budget.DOCX", ".~lock.letter.odt#", "layout~1.idlk"),
        *(".Trashes/501/x.exe", "__MACOSX/._a.txt", ".Spotlight-V100/Store-V2/x", "a/.AppleDouble/b.pdf"),
    ],
)
def test_metadata_beside_documents_is_a_side_file_whatever_its_extension(name: str) -> None:
    assert role(f"/{name}") is Role.SIDE


@pytest.mark.parametrize(
    "name",
    [
        *(
            "34429E5E.tmp",
            "A9A97EC7.tmp",
            "ABCDEF.tmp",
            "ppt1A2.tmp",
            "~WRD0000.tmp",
            "~WRL0001.tmp",
            "~DF12AB.tmp",
        ),
        *("Word Work File D_12345.tmp", "a.docx.sb-1a2b3c4d-xYz123", "(A Document Being Saved By TextEdit)"),
        *("report.pdf.sb-1a2b3c4d-xYz123/evil.sh", "(A Document Being Saved By Preview)/a.pdf"),
        *(
            ".goutputstream-AB12CD",
            "4913",
            "5036",
            ".a.txt.swp",
            ".a.txt.swo",
            ".#a.txt",
            "#a.txt#",
            ".a.txt.kate-swp",
        ),
        *(
            "a.txt~",
            "a.txt.XyZabc",
            "a.txt.AbCdEfGh",
            ".a.txt.AbCdEf",
            "a.pdf.part",
            "a.pdf.crdownload",
            "a.pdf.filepart",
        ),
        *("a.txt.tmp", "a.txt.__tmp", "a.txt.temp", "a.txt.lock", "a.txt.1a2b3c.tmp", "a.jpg_exiftool_tmp"),
        *(
            "a.txt.tacitpart",
            "a.txt~ttxpart~",
            "a.docx-8c1f0000-1111-2222-3333-444455556666",
            ".a.txt.1700000000000",
        ),
        *(".nfs00000000deadbeef", ".fuse_hidden0000001200000001"),
    ],
)
def test_the_future_content_of_a_document_is_staged(name: str) -> None:
    assert role(f"/{name}") is Role.STAGING


@pytest.mark.parametrize(
    "name",
    [
        *(
            ".notes.txt",
            "lock.txt",
            "a.part.txt",
            "12345.txt",
            "tmp.pdf",
            "deadbeef.tmp.pdf",
            "report.sb-final.txt",
        ),
        *(
            "4913.txt",
            "$budget.xlsx",
            "~budget.xlsx",
            "-.txt",
            "#1.txt",
            "Word Work.docx",
            "100%.pdf",
            "a;b.txt",
        ),
        *("фото.jpg", "日本語.docx", "résumé.pdf", "🙂.png", "a & b (1) [2] {3} 'x' =,@+!.txt"),
    ],
)
def test_ordinary_names_are_ordinary(name: str) -> None:
    assert role(f"/{name}") is Role.ALLOWED


@pytest.mark.parametrize(
    "name", ["$RECYCLE.BIN", "System Volume Information", "@eaDir", "#recycle", ".Trash-1000"]
)
def test_bins_of_other_systems_are_not_made(name: str) -> None:
    assert role(f"/{name}", is_folder=True) is Role.REFUSED


def test_folders_have_no_type() -> None:
    for name in ("project.v2", "a.exe", "report.pdf.XyZabc", "deadbeef.tmp", "noextension", "4913"):
        assert role(f"/{name}", is_folder=True) is Role.ALLOWED


def test_a_staging_file_belongs_to_the_types_of_its_user() -> None:
    keepass = Policy(extensions=frozenset({"kdbx"}))
    assert role("/db.kdbx.1a2b3c.tmp", keepass) is Role.STAGING
    assert role("/db.kdbx.1a2b3c.tmp") is Role.REFUSED


def test_where_any_type_is_allowed_nothing_waits_in_staging() -> None:
    anything = Policy(extensions=None)
    for name in ("evil.exe", "34429E5E.tmp", "a.txt~", "noextension", "@eaDir"):
        assert role(f"/{name}", anything) is Role.ALLOWED
    assert role("/._a.pdf", anything) is Role.SIDE
    assert role("/con.txt", anything) is Role.UNSAFE


def test_in_a_folder_of_any_names_every_safe_name_is_an_ordinary_file() -> None:
    policy = Policy(any_name=(FilePath.parse("/backup"),))
    for name in ("config", "keys/0a", "data/ab/cd", ".resource/x", "._a.pdf", "a.txt.tmp"):
        assert role(f"/backup/{name}", policy) is Role.ALLOWED
    assert role("/backup/a\\b", policy) is Role.UNSAFE
    assert role("/other/config", policy) is Role.REFUSED


@pytest.mark.parametrize(
    "name", [".filehost", ".FileHost", ".filehost/trash/x.txt", "a/.filehost-x", ".filehost.txt"]
)
def test_the_servers_own_names_are_not_for_users(name: str) -> None:
    for is_folder in (False, True):
        assert role(f"/{name}", is_folder=is_folder) is Role.UNSAFE


@pytest.mark.parametrize(
    ("path", "rule", "message"),
    [
        ("/evil.exe", "extension", "Files of type .exe are not allowed here"),
        ("/evil", "extension", "Files without a type are not allowed here"),
        ("/con.txt", "reserved", "This name is reserved by Windows"),
        ("/._sync_1234.db", "name", "This name belongs to a program's own records, which are not kept here"),
    ],
)
def test_a_refusal_names_the_rule_and_speaks_to_a_person(path: str, rule: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        POLICY.check(FilePath.parse(path))
    assert (caught.value.rule, caught.value.message) == (rule, message)


def test_every_default_pattern_can_be_read_and_names_its_program() -> None:
    for table in (SIDE, MARKERS, STAGING, REFUSED):
        Patterns(side=tuple(table))
        assert all(program for program in table.values())


@pytest.mark.parametrize("pattern", ["", "<hex>", "<word 3>", "a[", "a/b", "/"])
def test_a_pattern_that_cannot_be_read_is_reported(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Patterns(staging=(pattern,))
