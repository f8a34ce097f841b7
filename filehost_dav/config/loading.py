"""Loading: file, environment and command line become one Config, or one error that names every problem.

The command line wins over the environment, the environment over the file. A variable
`FILEHOST_<SECTION>_<KEY>` whose section is none of ours is left alone: Kubernetes sets
`FILEHOST_SERVICE_HOST` and the like for a service of our name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from filehost_dav.config.contradictions import contradictions
from filehost_dav.config.sections import Config
from filehost_dav.config.setting import SECRET, Setting, settings_of
from filehost_dav.errors import ConfigError

PREFIX = "FILEHOST_"


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as somebody wrote it, and where."""

    section: str
    key: str
    value: object
    where: str


def load(
    file: Path | None,
    environment: Mapping[str, str],
    options: Mapping[str, object] | None = None,
) -> Config:
    """The settings. `options` are from the command line, as `section.key`.

    Raises ConfigError with one line per problem: where, what, and what would be right.
    """
    problems: list[str] = []
    given = [*_from_file(file, problems), *_from_environment(environment), *_from_options(options or {})]
    values: dict[str, dict[str, Any]] = {}
    for item in given:
        setting = _find(item, problems)
        if setting is not None:
            _read(item, setting, values.setdefault(item.section, {}), problems)
    if problems:
        raise ConfigError(problems)
    config = Config(**{name: section(**values.get(name, {})) for name, section in sections()})
    problems += contradictions(config)
    if problems:
        raise ConfigError(problems)
    return config


def sections() -> Iterator[tuple[str, type]]:
    """The name and the class of each section, in the order of the file."""
    for item in fields(Config):
        yield item.name, type(item.default)


def variable(section: str, key: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{section}_{key}".upper()


def _from_file(file: Path | None, problems: list[str]) -> Iterator[_Given]:
    if file is None:
        return
    try:
        source = file.read_text("utf-8")
        document = tomllib.loads(source)
    except OSError as error:
        problems.append(f"{file}: cannot be read: {error.strerror}")
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file}: is not TOML: {error}")
        return
    lines = _lines(source)
    for section, content in document.items():
        where = f"{file}:{lines.get((section,), 1)}"
        if not isinstance(content, dict):
            problems.append(f"{where}: {section} stands outside a section; sections begin with [name]")
            continue
        if not content:
            yield from _empty_section(section, where, problems)
        for key, value in content.items():
            yield _Given(section, key, value, f"{file}:{lines.get((section, key), lines.get((section,), 1))}")


def _empty_section(section: str, where: str, problems: list[str]) -> Iterator[_Given]:
    if section not in dict(sections()):
        problems.append(f"{where}: there is no section [{section}]{_like(section, dict(sections()))}")
    return iter(())


def _from_environment(environment: Mapping[str, str]) -> Iterator[_Given]:
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX):
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("_")
        if key and section in dict(sections()):
            yield _Given(section, key, value, f"environment {name}")


def _from_options(options: Mapping[str, object]) -> Iterator[_Given]:
    for name, value in options.items():
        section, _, key = name.partition(".")
        if value is not None:
            yield _Given(section, key, value, f"option --{key.replace('_', '-')}")


def _find(item: _Given, problems: list[str]) -> Setting | None:
    known = dict(sections())
    if item.section not in known:
        problems.append(f"{item.where}: there is no section [{item.section}]{_like(item.section, known)}")
        return None
    settings = {setting.name: setting for setting in settings_of(known[item.section])}
    if item.key not in settings:
        problems.append(f"{item.where}: [{item.section}] has no setting {item.key}{_like(item.key, settings)}")
    return settings.get(item.key)


def _read(item: _Given, setting: Setting, values: dict[str, Any], problems: list[str]) -> None:
    try:
        values[item.key] = setting.read(item.value)
    except ValueError as error:
        value = "***" if setting.kind == SECRET else repr(item.value)
        problems.append(f"{item.where}: {item.section}.{item.key} = {value}: {error}")


def _like(word: str, known: Mapping[str, object]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it, and every start would pay for it

    close = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else ""


_TABLE = re.compile(r"\s*\[\s*([\w-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*(?:\.\s*([\w-]+)\s*)?=")


def _lines(source: str) -> dict[tuple[str, ...], int]:
    """Where sections and keys stand, for messages only: tomllib does not tell."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(source.splitlines(), 1):
        if header := _TABLE.match(line):
            table = (header[1],)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            parts = tuple(part for part in key.groups() if part)
            found.setdefault((*table, *parts), number)
            found.setdefault((*table, parts[0]), number)
    return found
