"""The role of a name: the one question every door asks before a body byte is read.

`Policy.classify(path)` asks in this order, before it looks at the extension: is the name unsafe; is it
metadata beside a document (`._Report.pdf` and `~$Budget.docx` carry an allowed extension); is it the
future content of a document (`34429E5E.tmp`); is its type allowed. It looks at the whole path, because
what lies in a staging folder is staging whatever its own name is. The policy of one user is a frozen
value; per-user settings make another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from filehost_dav.errors import Refused
from filehost_dav.paths import ICON, Area, FilePath
from filehost_dav.policy.derived import is_derived
from filehost_dav.policy.names import Broken, ascii_only, portable
from filehost_dav.policy.patterns import DEFAULT_PATTERNS, Patterns
from filehost_dav.policy.signatures import DEFAULT_SIGNATURES, Signatures

DEFAULT_EXTENSIONS = ("txt", "pdf", "png", "jpg", "jpeg", "gif", "docx", "xlsx", "ppt", "pptx")
RESERVED = ".filehost"  # our one name at the top: sign-in, health, trash, versions
_REMEMBERED: Final = 1024  # verdicts, of some 400 bytes each


class Role(Enum):
    """What a name is for."""

    ALLOWED = "allowed"
    SIDE = "side"
    STAGING = "staging"
    REFUSED = "refused"
    UNSAFE = "unsafe"

    __hash__ = object.__hash__  # as of Area: every request asks for the area of a role


AREAS: Final[Mapping[Role, Area]] = MappingProxyType({Role.SIDE: Area.SIDE, Role.STAGING: Area.STAGING})


class Verdict(NamedTuple):
    """A role, and for what may not be stored the rule that says so."""

    role: Role
    broken: Broken | None = None


_ALLOWED = Verdict(Role.ALLOWED)
_SIDE = Verdict(Role.SIDE)
_STAGING = Verdict(Role.STAGING)
_OURS = Verdict(Role.UNSAFE, Broken("name", "Names that begin with .filehost belong to the server"))
_KNOWN = Verdict(
    Role.REFUSED, Broken("name", "This name belongs to a program's own records, which are not kept here")
)
_UNTYPED = Verdict(Role.REFUSED, Broken("extension", "Files without a type are not allowed here"))


@dataclass(frozen=True, slots=True)
class Policy:
    """What one user may store.

    `extensions`: the types allowed, casefolded, without dot; None allows any, and then no name waits in
    staging. `names`: 'portable' or 'ascii'. `windows_safe`: refuse what Windows cannot keep. `any_name`:
    folders (restic repositories, Joplin, Obsidian) in which every safe name is an ordinary file.
    """

    extensions: frozenset[str] | None = field(default=frozenset(DEFAULT_EXTENSIONS))
    names: str = "portable"
    windows_safe: bool = True
    any_name: tuple[FilePath, ...] = ()
    patterns: Patterns = DEFAULT_PATTERNS
    signatures: Signatures = DEFAULT_SIGNATURES
    _areas: Callable[[FilePath], Area] = field(init=False, repr=False, compare=False)
    _judge: Callable[[FilePath, bool], Verdict] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_judge", lru_cache(maxsize=_REMEMBERED)(self._verdict))
        object.__setattr__(self, "_areas", lru_cache(maxsize=_REMEMBERED)(self._area))

    def classify(self, path: FilePath, *, is_folder: bool = False) -> Role:
        """The role of the resource that would stand at `path`."""
        return self._judge(path, is_folder).role

    def check(self, path: FilePath, *, is_folder: bool = False) -> Role:
        """As `classify`, but raises Refused, naming the rule, where nothing may be stored."""
        role, broken = self._judge(path, is_folder)
        if broken is not None:
            raise Refused(broken.message, rule=broken.rule)
        return role

    def area(self, path: FilePath) -> Area:
        """Where to look first for what may exist at `path`, be it a file or a folder."""
        return self._areas(path)

    def is_marker(self, path: FilePath) -> bool:
        """Whether a side file at `path` tells that a document is open, and so is shown in listings."""
        return self.patterns.is_marker(path.name)

    def is_any_name(self, path: FilePath) -> bool:
        """Whether `path` lies in a folder in which every safe name is an ordinary file."""
        return any(path.parts[: len(folder.parts)] == folder.parts for folder in self.any_name)

    def judges_content(self, path: FilePath) -> bool:
        """Whether the content of a file at `path` matters: not beside documents, nor where any type may be."""
        return (
            self.extensions is not None
            and self.classify(path) not in AREAS
            and not (self.any_name and self.is_any_name(path))
        )

    def check_content(self, path: FilePath, head: bytes) -> None:
        """Raises Refused when a file at `path` may not begin with `head` (its first PROBE bytes, or all)."""
        if self.judges_content(path):
            self.signatures.check(path.extension, head)

    def _area(self, path: FilePath) -> Area:
        by_kind = (self.classify(path), self.classify(path, is_folder=True))
        return next((AREAS[role] for role in by_kind if role in AREAS), Area.FILES)

    def _verdict(self, path: FilePath, is_folder: bool) -> Verdict:
        name = path.name
        if path.parts and (_is_ours(path.parts[0]) or _is_ours(name)):
            return _OURS
        broken = portable(name, self.windows_safe) if name else None
        if broken is not None:
            return Verdict(Role.UNSAFE, broken)
        if self.any_name and self.is_any_name(path):
            return _ALLOWED
        return self._role_by_pattern(path, is_folder) or self._role_by_type(path, is_folder)

    def _role_by_pattern(self, path: FilePath, is_folder: bool) -> Verdict | None:
        """The verdict that the name, or the name of a folder above, decides without looking at the type."""
        name, patterns, staged = path.name, self.patterns, self.extensions is not None
        if not patterns.is_known(name, is_folder=is_folder) and not self._is_below_known(path):
            return None
        if not is_folder and patterns.is_marker(name):
            return _SIDE
        if staged and patterns.is_refused(name, is_folder=is_folder):
            return _KNOWN
        above = path.parts[:-1]
        if patterns.is_side(name, is_folder=is_folder) or any(
            patterns.is_side(part, is_folder=True) for part in above
        ):
            return _SIDE
        if not staged:
            return None
        if patterns.is_staging(name, is_folder=is_folder):
            return _STAGING
        return _STAGING if any(patterns.is_staging(part, is_folder=True) for part in above) else None

    def _is_below_known(self, path: FilePath) -> bool:
        return any(self.patterns.is_known(part, is_folder=True) for part in path.parts[:-1])

    def _role_by_type(self, path: FilePath, is_folder: bool) -> Verdict:
        name, extensions = path.name, self.extensions
        if name == ICON:
            return Verdict(Role.UNSAFE, Broken("characters", "A name may not hold control characters"))
        typed = is_folder or extensions is None or path.extension in extensions
        if not typed and extensions is not None and is_derived(name, extensions):
            return _STAGING
        broken = ascii_only(name) if self.names == "ascii" and name else None
        if broken is not None:
            return Verdict(Role.UNSAFE, broken)
        if typed:
            return _ALLOWED
        return Verdict(Role.REFUSED, _not_allowed(path.extension)) if path.extension else _UNTYPED


def _is_ours(name: str) -> bool:
    return name[:9].casefold() == RESERVED


def _not_allowed(extension: str) -> Broken:
    return Broken("extension", f"Files of type .{extension} are not allowed here")
