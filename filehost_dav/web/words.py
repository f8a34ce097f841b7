"""Words: what the page says, in the visitor's language.

The words are in one JSON file per language beside the page's other files, for the server's own
pages and for the page's script alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from string import Template
from typing import Final

DEFAULT: Final = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: str
    all: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """The sentence of that key, its `{name}` places filled in. Not yet escaped for HTML."""
        return self.all[key].format(**values)

    def count(self, key: str, number: int, **values: object) -> str:
        """As `say`, with the form for that number."""
        return self.say(f"{key}.{'one' if number == 1 else 'other'}", n=number, **values)

    def fill(self, frame: str, **markup: str) -> str:
        """An HTML frame with its places filled in: `${some.key}` by words, `$name` by `markup` as it is."""
        escaped = {key: escape(text) for key, text in self.all.items()}
        return _Frame(frame).substitute({**escaped, "language": self.language, **markup})


def choose(accepted: str, catalogues: Mapping[str, Mapping[str, str]]) -> Words:
    """The words in the language that an Accept-Language header likes best."""
    wanted = sorted(_languages(accepted), key=lambda item: -item[1])
    language = next((name for name, weight in wanted if weight and name in catalogues), DEFAULT)
    return Words(language, catalogues[language])


def _languages(accepted: str) -> list[tuple[str, float]]:
    found = []
    for item in accepted.split(","):
        name, _, parameter = item.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        found.append((name.partition("-")[0].lower(), weight))
    return found


class _Frame(Template):
    idpattern = "[a-z][a-z0-9_.]*"
