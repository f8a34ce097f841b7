"""Assets: the page's files, read once, compressed once when first asked for, cached by browsers for a year.

The address holds a digest of all of them together, so that a new release is a new address and
the modules, which name each other by relative addresses, always fit each other.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from filehost_dav.web.answer import Answer, plain
from filehost_dav.web.request import Request

_TYPES: Final = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    media_type: str
    content: bytes

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.content, mtime=0)


class Assets:
    """All files of the page: those served, the frames of its HTML, and the words in each language."""

    def __init__(self) -> None:
        folder = files("filehost_dav.web") / "assets"
        contents = {item.name: item.read_bytes() for item in sorted(folder.iterdir(), key=_name)}
        self.version = sha256(repr(contents).encode()).hexdigest()[:12]
        self._served = {
            name: Asset(_TYPES[_kind(name)], content)
            for name, content in contents.items()
            if _kind(name) in _TYPES
        }
        self._frames = _frames(
            {name: content.decode() for name, content in contents.items() if _kind(name) == "html"}
        )
        self.words: dict[str, dict[str, str]] = {
            name.removesuffix(".json"): json.loads(content)
            for name, content in contents.items()
            if _kind(name) == "json"
        }

    def frame(self, name: str) -> str:
        """An HTML file with `$` places, to be filled in by the server."""
        return self._frames[f"{name}.html"]

    @property
    def base(self) -> str:
        """The folder of the served files, as a path on this site, without a slash at its end."""
        return f"/.filehost/assets/{self.version}"

    def answer(self, request: Request) -> Answer:
        """The file that a path below `/.filehost/assets/` names, whichever release it was linked from."""
        asset = self._served.get(request.path.rpartition("/")[2])
        if asset is None:
            return plain("There is no such file", 404)
        kept = _FOREVER if request.path.startswith(self.base + "/") else "no-cache"
        headers = (("Content-Type", asset.media_type), ("Cache-Control", kept), ("Vary", "Accept-Encoding"))
        if "gzip" in request.header("Accept-Encoding"):
            return Answer(200, asset.compressed, (*headers, ("Content-Encoding", "gzip")))
        return Answer(200, asset.content, headers)


def _frames(texts: dict[str, str]) -> dict[str, str]:
    """Whole pages are written without what all of them begin with."""
    document = texts.pop("document.html")
    return {
        name: document.replace("$page", text) if text.startswith("<title>") else text
        for name, text in texts.items()
    }


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def _name(item: Traversable) -> str:
    return item.name
