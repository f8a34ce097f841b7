"""Download of a folder, or of some of its members, as one zip file."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from filehost_dav.errors import NotFound
from filehost_dav.paths import FilePath
from filehost_dav.web.answer import Answer
from filehost_dav.web.archive import zip_stream
from filehost_dav.web.forms import read_fields
from filehost_dav.web.visit import Visit


def answer_zip(visit: Visit) -> Answer:
    """The folder `path`, or those of its members that `name` (several) names. Raises NotFound, BadPath.

    As a GET for a link; as a form where the names are too many for an address.
    """
    fields = visit.request.query
    if visit.request.method == "POST":
        fields = read_fields(visit.request)
        visit.check_form(fields)
    folder = FilePath.parse(fields.get("path", ["/"])[0])
    chosen = [folder / name for name in fields.get("name", [])] or [folder]
    for path in chosen:
        visit.home.stat(path)
    name = (chosen[0] if len(chosen) == 1 else folder).name or visit.user.name
    return Answer(
        200,
        _started(visit, chosen),
        (("Content-Type", "application/zip"), _disposition(name)),
    )


def _started(visit: Visit, chosen: list[FilePath]) -> Iterator[bytes]:
    """The zip's bytes, the first of them made now: what fails at the start is still an error answer."""
    pieces = zip_stream(visit.home, chosen)
    first = next(pieces, None)
    if first is None:
        raise NotFound("Nothing is left to download")
    return _after(first, pieces)


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _disposition(name: str) -> tuple[str, str]:
    """As an attachment; the plain form of the name for old programs, the exact one beside it (RFC 6266)."""
    simple = "".join(character if character.isascii() and character.isalnum() else "_" for character in name)
    return ("Content-Disposition", f"attachment; filename=\"{simple}.zip\"; filename*=UTF-8''{quote(name)}.zip")
