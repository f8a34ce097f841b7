"""Setting: how one value of the configuration is written, checked and explained.

A section is a frozen dataclass whose fields are made by the functions here. The documented file,
the table in the README and the checking all come from these fields, so they cannot disagree.
Every `read` takes what TOML gives, or the text of an environment variable, and raises ValueError
with a sentence that says what would be right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from filehost_dav.config import quantities
from filehost_dav.errors import BadPath
from filehost_dav.paths import FilePath
from filehost_dav.policy.patterns import NameMatcher

Read = Callable[[object], Any]
SECRET = "secret text"  # noqa: S105 - the kind of what no report shows


@dataclass(frozen=True, slots=True)
class Setting:
    """`kind` is for people ("size", "duration", …); `written` is the default as TOML text."""

    name: str
    kind: str
    reason: str
    written: str
    read: Read


def settings_of(section: type) -> tuple[Setting, ...]:
    """The settings of a section, in the order of the file."""
    return tuple(_named(item) for item in fields(section))


def text(default: str, reason: str) -> Any:
    return _setting(default, "text", reason, _read_text)


def secret(reason: str) -> Any:
    """A text that no report shows; empty by default."""
    return _setting("", SECRET, reason, _read_text)


def place(default: str, reason: str) -> Any:
    """A path; an empty text is None. A relative one counts from where the server is started."""
    return _setting(default, "path", reason, _read_place)


def number(default: int, reason: str, *, least: int = 0, most: int | None = None) -> Any:
    return _setting(default, "number", reason, lambda value: _read_number(value, least, most))


def flag(default: bool, reason: str) -> Any:
    return _setting(default, "true or false", reason, _read_flag)


def choice(default: str, options: Sequence[str], reason: str) -> Any:
    return _setting(default, " or ".join(options), reason, lambda value: _read_choice(value, options))


def words(default: Sequence[str], reason: str) -> Any:
    """A list of texts; in the environment separated by commas or spaces."""
    return _setting(list(default), "list", reason, _read_words)


def patterns(known: Mapping[str, str], reason: str) -> Any:
    """A list of patterns of names; `known` names beside each default the program that needs it."""
    lines = "".join(
        f"    {json.dumps(pattern, ensure_ascii=False)},  # {why}\n" for pattern, why in known.items()
    )
    return _setting(list(known), "list of patterns", reason, _read_patterns, written=f"[\n{lines}]")


def folders(reason: str) -> Any:
    """A list of places in every user's folder, empty by default; in the environment separated by commas."""
    return _setting([], "list of folders", reason, _read_folders)


def size(default: str, reason: str) -> Any:
    """Bytes."""
    return _setting(default, "size", reason, lambda value: _read_quantity(value, quantities.size))


def size_or_none(default: str, reason: str) -> Any:
    """Bytes, or None for `none`."""
    return _setting(default, "size or none", reason, lambda value: _read_optional(value, quantities.size))


def duration(default: str, reason: str) -> Any:
    """Seconds."""
    return _setting(default, "duration", reason, lambda value: _read_quantity(value, quantities.duration))


def duration_or_none(default: str, reason: str) -> Any:
    """Seconds, or None for `none`."""
    return _setting(
        default, "duration or none", reason, lambda value: _read_optional(value, quantities.duration)
    )


def _setting(default: object, kind: str, reason: str, read: Read, written: str = "") -> Any:
    written = written or json.dumps(default, ensure_ascii=False)
    return field(default=read(default), metadata={"setting": Setting("", kind, reason, written, read)})


def _named(item: Field[Any]) -> Setting:
    setting: Setting = item.metadata["setting"]
    return Setting(item.name, setting.kind, setting.reason, setting.written, setting.read)


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text in quotes is needed")
    return value


def _read_place(value: object) -> Path | None:
    given = _read_text(value)
    return Path(given).expanduser() if given else None


def _read_number(value: object, least: int, most: int | None) -> int:
    meaning = f"a whole number from {least}" + (f" to {most}" if most is not None else " up")
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{meaning} is needed")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{meaning} is needed")
    return value


def _read_flag(value: object) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, str):
        value = known.get(value.casefold())
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")
    return value


def _read_choice(value: object, options: Sequence[str]) -> str:
    if value not in options:
        raise ValueError("one of " + ", ".join(f'"{option}"' for option in options) + " is needed")
    return str(value)


def _read_words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError('a list of texts is needed, such as ["one", "two"]')
    return tuple(value)


def _read_patterns(value: object) -> tuple[str, ...]:
    found = _read_words([item.strip() for item in value.split(",")] if isinstance(value, str) else value)
    NameMatcher(found)
    return found


def _read_folders(value: object) -> tuple[FilePath, ...]:
    texts = [item for item in value.split(",") if item.strip()] if isinstance(value, str) else value
    try:
        found = tuple(FilePath.parse(text.strip()) for text in _read_words(texts))
    except BadPath as error:
        raise ValueError(error.message) from None
    if any(folder.is_root for folder in found):
        raise ValueError('a folder such as "/Backup" is needed; for everything, extensions = ["*"]')
    return found


def _read_optional(value: object, read: Callable[[str], int]) -> int | None:
    if isinstance(value, str) and value.strip().casefold() == "none":
        return None
    return _read_quantity(value, read)


def _read_quantity(value: object, read: Callable[[str], int]) -> int:
    return read(str(value) if isinstance(value, int) and not isinstance(value, bool) else _read_text(value))
