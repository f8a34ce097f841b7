"""A folder as a browser's window sees it: the script's page, or the one that needs no script."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote

from filehost_dav.errors import FilehostError, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.web import plain_page
from filehost_dav.web.answer import Answer, html, see_other
from filehost_dav.web.data import page_data
from filehost_dav.web.request import Request
from filehost_dav.web.visit import Visit


def is_folder_visit(request: Request) -> bool:
    """Whether a browser's window, or a text browser, asks for a folder, or for what is not there."""
    if not (request.is_navigation or (request.method in ("GET", "HEAD") and request.reads_html)):
        return False
    if request.path.endswith("/"):
        return True
    try:
        path = FilePath.parse(request.path)
        return bool(request.environ["filehost.home"].stat(path).is_folder)
    except FilehostError:
        return request.is_navigation


def answer_folder(visit: Visit) -> Answer:
    """The folder at the request's path, or what a form of it changes. Raises what the home raises."""
    request, folder = visit.request, FilePath.parse(visit.request.path)
    if request.method == "POST":
        return plain_page.change(visit, folder)
    is_plain = "plain" in request.query or not request.is_navigation
    try:
        entry = visit.home.stat(folder)
    except NotFound:
        if is_plain:
            raise
        return script_page(visit, 404)
    if entry.is_folder and not request.path.endswith("/"):
        return see_other(f"{folder.as_url()}/")
    return plain_page.show(visit, folder) if is_plain else script_page(visit)


def script_page(visit: Visit, status: int = 200) -> Answer:
    """The frame that the script fills, with all it must know at the start."""
    data = {**page_data(visit), "language": visit.words.language, "words": visit.words.all}
    # "<" is escaped, so that no name can end the element early.
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    address = escape(quote(visit.request.path))
    return html(visit.fill("page", data=text, user=escape(visit.user.name), address=address), status)
