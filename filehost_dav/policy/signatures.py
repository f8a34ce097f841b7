"""What a file's content must begin with: a picture like a picture, and nothing like a program.

The signatures come from the table of puremagic. An empty file has no content to judge. A script may
be kept as text: it runs only under a name that is not allowed here, and one blank line before its `#!`
would hide it from any such test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from filehost_dav.errors import Refused

PROBE: Final = 1024  # bytes of a file that are looked at

CHECKED: Final = ("png", "jpg", "jpeg", "gif", "pdf", "docx", "xlsx", "pptx", "ppt")

_FARTHEST: Final = 64  # bytes; signatures that begin later are hints inside a format, not its beginning

# A document with a password is an OLE2 container, whatever its name.
_OLE2: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAY_BE_ENCRYPTED: Final = frozenset(("docx", "xlsx", "pptx"))

_PROGRAMS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"\x7fELF": "a Linux program",
        b"\xfe\xed\xfa\xce": "a macOS program",
        b"\xfe\xed\xfa\xcf": "a macOS program",
        b"\xce\xfa\xed\xfe": "a macOS program",
        b"\xcf\xfa\xed\xfe": "a macOS program",
        b"\xca\xfe\xba\xbe": "a macOS or Java program",
        b"dex\n": "an Android program",
        b"\x00asm": "a WebAssembly program",
    }
)


class Signature(NamedTuple):
    """Bytes that stand at an offset."""

    offset: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Signatures:
    """The test in force. `checked`: the types whose content must begin like the type."""

    checked: tuple[str, ...] = CHECKED
    programs: bool = True

    def check(self, extension: str, head: bytes) -> None:
        """Raises Refused when a file of this type may not begin with `head` (its first PROBE bytes, or all)."""
        if not head:
            return
        known = signatures_of(extension)
        alike = any(head.startswith(octets, offset) for offset, octets in known)
        # Adobe's readers accept up to a kilobyte before the header, and programs produce it.
        if alike or (extension == "pdf" and b"%PDF-" in head and program_of(head) is None):
            return
        program = program_of(head) if self.programs else None
        if program is not None:
            raise Refused(f"The content of this file is {program}", rule="content")
        if known and extension in self.checked:
            raise Refused(f"The content of this file is not that of a .{extension} file", rule="content")

    def differ(self, extension: str, other: str) -> bool:
        """Whether content that was accepted as one type must be looked at again as the `other`."""
        return extension != other and (self.programs or other in self.checked)


DEFAULT_SIGNATURES: Final = Signatures()
ANY_CONTENT: Final = Signatures(checked=(), programs=False)


def program_of(head: bytes) -> str | None:
    """What kind of program begins with `head`, or None."""
    if head.startswith(b"MZ") and b"\0" in head[:64]:  # a note may begin with these two letters
        return "a Windows program"
    return next((kind for octets, kind in _PROGRAMS.items() if head.startswith(octets)), None)


@cache
def signatures_of(extension: str) -> tuple[Signature, ...]:
    """The known beginnings of files of a type; empty when there is none."""
    # Here because the table takes milliseconds to load, which a command that stores nothing need not pay.
    from puremagic.main import magic_header_array  # noqa: PLC0415

    found = {
        Signature(row.offset, row.byte_match)
        for row in magic_header_array
        if row.extension.casefold() == f".{extension}" and 0 <= row.offset < _FARTHEST
    }
    if extension in _MAY_BE_ENCRYPTED:
        found.add(Signature(0, _OLE2))
    return tuple(sorted(found))
