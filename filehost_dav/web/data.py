"""Data: what the page's script asks that WebDAV has no word for, as JSON.

The server's policy, a check of names before anything is sent, and where in the trash things came
from. All else the script reads and changes by WebDAV, as any other client.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from filehost_dav.errors import BadBody, BadPath, FilehostError, Refused
from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import Role
from filehost_dav.storage.tree import Trashed
from filehost_dav.web.answer import Answer, as_json
from filehost_dav.web.failures import rule_of
from filehost_dav.web.forms import read_small
from filehost_dav.web.visit import Visit

_TEXTS: Final = ("path", "trash")
_MILLI: Final = 1_000_000  # nanoseconds in a millisecond


def page_data(visit: Visit) -> dict[str, Any]:
    """All that the script must know before it shows anything."""
    policy, usage = visit.policy, visit.home.usage()
    return {
        "user": visit.user.name,
        "token": visit.token,
        "extensions": sorted(policy.extensions) if policy.extensions is not None else None,
        "names": policy.names,
        "largest": visit.largest,
        "usage": {"used": usage.used, "limit": usage.limit, "available": usage.available},
    }


def answer_data(visit: Visit) -> Answer:
    return as_json(page_data(visit))


def answer_check(visit: Visit) -> Answer:
    """For each `{"path", "folder"}` asked about: null when it may be stored, else the rule and a sentence."""
    return as_json([_verdict(visit, item) for item in _asked(visit)])


def answer_trash(visit: Visit) -> Answer:
    """What was deleted, the newest first."""
    return as_json([_trashed(item) for item in visit.home.trash()])


def answer_restore(visit: Visit) -> Answer:
    """Bring back each `{"trash"}` (an id), perhaps to `"path"`: `{"path"}` where it is, or what hinders it."""
    return _each(visit, _restore)


def answer_purge(visit: Visit) -> Answer:
    """Remove each `{"trash"}` for good: null, or what hinders it."""
    return _each(visit, _purge)


def _restore(visit: Visit, item: dict[str, Any]) -> dict[str, Any] | None:
    target = FilePath.parse(item["path"]) if "path" in item else None
    written = visit.home.restore(item["trash"], target)
    return {"path": str(written.entry.path)}


def _purge(visit: Visit, item: dict[str, Any]) -> dict[str, Any] | None:
    visit.home.purge(item["trash"])
    return None


def _each(visit: Visit, act: Callable[[Visit, dict[str, Any]], dict[str, Any] | None]) -> Answer:
    """Do it for every item asked for; the outcome of each by itself, in their order."""
    outcomes: list[dict[str, Any] | None] = []
    for item in _asked(visit):
        try:
            outcomes.append(act(visit, item))
        except KeyError as error:
            raise BadBody("This request lacks a field") from error
        except FilehostError as error:
            outcomes.append({"rule": rule_of(error), "message": error.message})
    return as_json(outcomes)


def _asked(visit: Visit) -> list[dict[str, Any]]:
    try:
        asked = json.loads(read_small(visit.request))
    except ValueError as error:
        raise BadBody("This request is not JSON") from error
    if not isinstance(asked, list) or not all(_is_item(item) for item in asked):
        raise BadBody("A list of items was expected")
    return asked


def _is_item(item: Any) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(key, ""), str) for key in _TEXTS)


def _verdict(visit: Visit, item: dict[str, Any]) -> dict[str, Any] | None:
    try:
        role = visit.policy.check(FilePath.parse(item.get("path", "")), is_folder=bool(item.get("folder")))
    except (BadPath, Refused) as error:
        return {"rule": error.rule, "message": error.message}
    # A file that another system keeps beside the user's own is nothing to send from here.
    return None if role is Role.ALLOWED else {"rule": role.value, "message": "This is a system's own file"}


def _trashed(item: Trashed) -> dict[str, Any]:
    return {
        "id": item.id,
        "origin": str(item.origin),
        "deleted": item.deleted // _MILLI,
        "folder": item.entry.is_folder,
        "size": item.size,
    }
