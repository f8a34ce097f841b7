"""The role of a name: the one question every door asks before a body byte is read.

`Policy.classify(path)` looks at the whole path, because a file inside a staging folder is staging
whatever its own name is. The policy of one user is a frozen value; per-user settings make another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from filehost_dav.errors import Refused
from filehost_dav.paths import FilePath, extension_of

DEFAULT_EXTENSIONS = ("txt", "pdf", "png", "jpg", "jpeg", "gif", "docx", "xlsx", "ppt", "pptx")
RESERVED = ".filehost"  # our one name at the top: sign-in, health, trash, versions


class Role(Enum):
    """What a name is for."""

    ALLOWED = "allowed"
    SIDE = "side"
    STAGING = "staging"
    REFUSED = "refused"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Policy:
    """What one user may store. `extensions` None allows any type; `names` is 'portable' or 'ascii'."""

    extensions: frozenset[str] | None = field(default=frozenset(DEFAULT_EXTENSIONS))
    names: str = "portable"

    def classify(self, path: FilePath, *, is_folder: bool = False) -> Role:
        """The role of the resource that would stand at `path`."""
        return _classify(self, path, is_folder)

    def check(self, path: FilePath, *, is_folder: bool = False) -> Role:
        """As `classify`, but raises Refused, naming the rule, where nothing may be stored."""
        role = self.classify(path, is_folder=is_folder)
        if role is Role.REFUSED:
            kind = extension_of(path.name)
            raise Refused(
                f"Files of type .{kind} are not allowed here"
                if kind
                else "Files without a type are not allowed here",
                rule="extension",
            )
        if role is Role.UNSAFE:
            raise Refused("This name is not allowed here", rule="name")
        return role


@lru_cache(maxsize=8192)
def _classify(policy: Policy, path: FilePath, is_folder: bool) -> Role:
    if path.parts and path.parts[0].casefold() == RESERVED:
        return Role.UNSAFE
    if is_folder or policy.extensions is None or path.extension in policy.extensions:
        return Role.ALLOWED
    return Role.REFUSED
