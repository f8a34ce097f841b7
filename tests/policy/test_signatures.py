"""What a file's content must begin with."""

from __future__ import annotations

import pytest

from filehost_dav.errors import Refused
from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import Policy
from filehost_dav.policy.signatures import CHECKED, DEFAULT_SIGNATURES, Signatures, signatures_of

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
GIF = b"GIF89a\x01\x00\x01\x00"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
ZIP = b"PK\x03\x04\x14\x00\x06\x00\x08\x00"
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9
PE = b"MZ\x90\x00\x03\x00\x00\x00"
MACH_O = b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"
JAVA = b"\xca\xfe\xba\xbe\x00\x00\x00\x41"
TEXT = b"just words"

OF_TYPE = {
    "png": {PNG},
    "jpg": {JPEG},
    "jpeg": {JPEG},
    "gif": {GIF, b"GIF87a\x01\x00"},
    "pdf": {PDF, b"\xef\xbb\xbf" + PDF, b"junk of a printer\n" * 20 + PDF},
    "docx": {ZIP, OLE2},
    "xlsx": {ZIP, OLE2},
    "pptx": {ZIP, OLE2},
    "ppt": {OLE2},
}
ALL = {PNG, JPEG, GIF, PDF, ZIP, OLE2, ELF, PE, MACH_O, JAVA, TEXT}


@pytest.mark.parametrize("extension", CHECKED)
def test_a_type_begins_like_itself_and_like_nothing_else(extension: str) -> None:
    for head in OF_TYPE[extension]:
        DEFAULT_SIGNATURES.check(extension, head)
    for head in ALL - OF_TYPE[extension]:
        with pytest.raises(Refused, match="content"):
            DEFAULT_SIGNATURES.check(extension, head)


@pytest.mark.parametrize("program", [ELF, PE, MACH_O, JAVA])
def test_nothing_allowed_begins_like_a_program(program: bytes) -> None:
    with pytest.raises(Refused, match="program"):
        DEFAULT_SIGNATURES.check("txt", program)
    with pytest.raises(Refused, match="program"):
        DEFAULT_SIGNATURES.check("pdf", program + b"\n%PDF-1.7")


@pytest.mark.parametrize(
    "text", [TEXT, b"MZ is how this note begins", b"#!/bin/sh\necho a note about scripts\n", PDF]
)
def test_text_may_begin_with_anything_else(text: bytes) -> None:
    DEFAULT_SIGNATURES.check("txt", text)


@pytest.mark.parametrize("extension", [*CHECKED, "txt"])
def test_an_empty_file_has_no_content_to_judge(extension: str) -> None:
    DEFAULT_SIGNATURES.check(extension, b"")


def test_a_program_may_be_kept_where_its_type_is_allowed() -> None:
    Policy(extensions=frozenset({"exe"})).check_content(FilePath.parse("/setup.exe"), PE)
    Policy(extensions=None).check_content(FilePath.parse("/tool"), ELF)
    Policy(any_name=(FilePath.parse("/repo"),)).check_content(FilePath.parse("/repo/a.pdf"), ELF)


def test_the_test_can_be_turned_off() -> None:
    Signatures(checked=(), programs=False).check("pdf", ELF)
    Signatures(checked=("pdf",), programs=False).check("png", TEXT)


def test_more_types_can_be_looked_at() -> None:
    assert signatures_of("zip")
    with pytest.raises(Refused):
        Signatures(checked=("zip",)).check("zip", TEXT)
