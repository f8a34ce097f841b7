"""The folder without scripts: a list, upload, a new folder, delete and download, by plain forms.

It is what text browsers and browsers with scripts turned off get; the rules and the storage are
the same as everywhere: files are streamed into the home, never kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple

from filehost_dav.errors import BadPath, ConditionFailed, FilehostError
from filehost_dav.paths import FilePath, quote_name
from filehost_dav.storage.tree import ABSENT, ANYTHING, Condition, Entry
from filehost_dav.web.answer import Answer, html_in_pieces, see_other
from filehost_dav.web.failures import status_of
from filehost_dav.web.forms import Fields, FilePart, read_fields, read_parts
from filehost_dav.web.visit import Visit
from filehost_dav.web.words import Words

_PIECE: Final = 200  # rows
_ROWS: Final = "<!-- rows -->"  # their place; no name can hold it, for each is escaped
_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


class _Row(NamedTuple):
    """What the page shows of an entry: of a large folder, that is a quarter of the memory."""

    name: str
    is_folder: bool
    size: int
    modified: int

    @classmethod
    def of(cls, entry: Entry) -> _Row:
        return cls(entry.path.name, entry.is_folder, entry.size, entry.modified)

    def markup(self, words: Words, base: str) -> str:
        """`base` is the folder's address with a slash at its end."""
        name = escape(self.name)
        url = escape(base + quote_name(self.name))
        moment = datetime.fromtimestamp(self.modified / 1e9, UTC)
        select = escape(words.say("list.select", name=self.name))
        link = f"{url}/?plain" if self.is_folder else url
        shown = f"{name}/" if self.is_folder else name
        return (
            f'<tr><td><input type="checkbox" name="name" value="{name}" form="delete"'
            f' aria-label="{select}"></td>'
            f'<td><a href="{link}">{shown}</a></td>'
            f"<td>{'' if self.is_folder else size_for_people(self.size)}</td>"
            f'<td><time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M}</time></td></tr>\n'
        )


def show(visit: Visit, folder: FilePath, problems: tuple[str, ...] = (), status: int = 200) -> Answer:
    """The folder's page, that of a large folder piece by piece. Raises NotFound, NotAFolder."""
    rows = sorted(map(_Row.of, visit.home.list(folder)), key=_order)
    page = visit.fill(
        "plain",
        title=escape(folder.name or visit.user.name),
        trail=_trail(visit, folder),
        address=escape(_address(folder)),
        zip=escape(f"/.filehost/zip?path={folder.as_url()}"),
        notice="".join(_notices(visit, problems)),
        rows=_ROWS if rows else _empty(visit.words),
        user=escape(visit.user.name),
    )
    return html_in_pieces(_with_rows(page, rows, visit.words, folder), status)


def _with_rows(page: str, rows: Sequence[_Row], words: Words, folder: FilePath) -> Iterator[str]:
    text, _, tail = page.partition(_ROWS)
    base = folder.as_url().rstrip("/") + "/"
    for start in range(0, len(rows), _PIECE):
        if start:
            yield text
            text = ""
        text += "".join(row.markup(words, base) for row in rows[start : start + _PIECE])
    yield text + tail


def change(visit: Visit, folder: FilePath) -> Answer:
    """Take a form of the folder's page."""
    if str(visit.request.environ.get("CONTENT_TYPE", "")).startswith("multipart/form-data"):
        done, problems = _upload(visit, folder)
    else:
        fields = read_fields(visit.request)
        visit.check_form(fields)
        act = _delete if fields.get("action") == ["delete"] else _make_folder
        done, problems = act(visit, folder, fields)
    if problems:
        return show(visit, folder, tuple(str(error) for error in problems), status_of(problems[-1]))
    return see_other(f"{_address(folder)}&done={done}")


def _upload(visit: Visit, folder: FilePath) -> tuple[str, list[FilehostError]]:
    """Store each file as it arrives. The token comes first in the form, before any file."""
    fields: Fields = {}
    problems: list[FilehostError] = []
    for part in read_parts(visit.request):
        if not isinstance(part, FilePart):
            fields.setdefault(part.name, []).append(part.value)
            continue
        visit.check_form(fields)
        if not part.filename:
            continue  # what a browser sends when no file was chosen
        when = ANYTHING if "replace" in fields else ABSENT
        try:
            _store(visit, folder, part, when)
        except FilehostError as error:
            problems.append(_about(part.filename, error, visit.words))
    visit.check_form(fields)
    return "uploaded", problems


def _store(visit: Visit, folder: FilePath, part: FilePart, when: Condition) -> None:
    visit.home.write(folder / part.filename, part, when=when)


def _about(name: str, error: FilehostError, words: Words) -> FilehostError:
    reason = words.say("plain.exists") if isinstance(error, ConditionFailed) else error.message
    error.args = (f"{name}: {reason}",)
    return error


def _delete(visit: Visit, folder: FilePath, fields: Fields) -> tuple[str, list[FilehostError]]:
    problems: list[FilehostError] = []
    for name in fields.get("name", []):
        try:
            visit.home.delete(folder / name)
        except FilehostError as error:
            problems.append(_about(name, error, visit.words))
    return "deleted", problems


def _make_folder(visit: Visit, folder: FilePath, fields: Fields) -> tuple[str, list[FilehostError]]:
    name = fields.get("folder", [""])[0]
    try:
        visit.home.make_folder(folder / name)
    except FilehostError as error:
        return "", [_about(name, error, visit.words) if not isinstance(error, BadPath) else error]
    return "folder", []


def _notices(visit: Visit, problems: tuple[str, ...]) -> Iterator[str]:
    for problem in problems:
        yield f'<p class="notice bad" role="alert">{escape(problem)}</p>'
    key = f"plain.done.{visit.request.argument('done')}"
    if not problems and key in visit.words.all:
        yield f'<p class="notice good" role="status">{escape(visit.words.say(key))}</p>'


def size_for_people(size: int) -> str:
    """Bytes with a unit of 1000, as file managers show it."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 99.5 else f"{value:.1f} {_UNITS[unit]}"


def _empty(words: Words) -> str:
    return f'<tr><td></td><td colspan="3">{escape(words.say("empty.title"))}</td></tr>'


def _trail(visit: Visit, folder: FilePath) -> str:
    """Links to the folders above, the top one first."""
    above = [*reversed(list(folder.ancestors)), folder]
    top = visit.words.say("place.home")
    return " / ".join(f'<a href="{escape(_address(path))}">{escape(path.name or top)}</a>' for path in above)


def _address(folder: FilePath) -> str:
    return f"{folder.as_url().rstrip('/')}/?plain"


def _order(row: _Row) -> tuple[bool, str]:
    return (not row.is_folder, row.name.casefold())
