"""Pieces of HTML that several of the server's own pages share. Everything given is escaped here."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from filehost_dav.web.forms import Fields


def notice(text: str, kind: str) -> str:
    """A sentence that stands out: `good` or `bad`. Screen readers say it at once."""
    return f'<p class="notice {kind}" role="{"alert" if kind == "bad" else "status"}">{escape(text)}</p>'


def time_element(seconds: float) -> str:
    """A moment, in seconds since the epoch. Without a script only UTC is sure."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{moment:%Y-%m-%dT%H:%M:%SZ}">{moment:%Y-%m-%d %H:%M} UTC</time>'


def first(fields: Fields, key: str) -> str:
    """The first value of a field, empty where there is none."""
    return fields.get(key, [""])[0]
