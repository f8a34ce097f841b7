"""Guards: what must hold before a request may change something, and again at the instant of the commit.

Two things stand in the way of a change: a precondition that does not hold (412), and a lock whose
token was not submitted (423). RFC 4918 7.4: a lock protects the content, the dead properties and the
membership of what it covers, so creating or removing a member needs the tokens of the folder too.
"""

from __future__ import annotations

from collections.abc import Iterable

from filehost_dav.dav.preconditions import Preconditions, State
from filehost_dav.dav.request import Request
from filehost_dav.errors import BadPath, Locked, NotAFolder, NotFound, ParentMissing
from filehost_dav.paths import FilePath
from filehost_dav.state.locks import Lock
from filehost_dav.storage.tree import Entry


def require_conditions(request: Request, conditions: Preconditions, entry: Entry | None) -> None:
    """Raises ConditionFailed unless the request's preconditions hold for `entry`, what its URL names."""
    require_lists(request, conditions, entry)
    conditions.require(entry)


def require_lists(request: Request, conditions: Preconditions, entry: Entry | None) -> None:
    """Raises ConditionFailed unless the If header holds, `entry` being what the request's URL names."""
    if not conditions.lists:
        return

    def state_of(tag: str | None) -> State:
        place = request.path if tag is None else _tagged_place(request, tag)
        if place is None:
            return State(None, frozenset())
        here = entry if place == request.path else entry_at(request, place)
        covering = request.services.locks.covering(request.user, place)
        return State(here, frozenset(lock.token for lock in covering))

    conditions.require_lists(state_of)


def require_tokens(
    request: Request,
    tokens: frozenset[str],
    path: FilePath,
    *,
    membership: bool = False,
    members: bool = False,
) -> None:
    """Raises Locked unless `tokens` hold every lock that a change at `path` touches.

    `membership`: the folder above gains or loses this member. `members`: all below changes with it.
    """
    locks = request.services.locks.view(request.user)
    if not locks:
        return
    missing = _missing(locks.covering(path), tokens, request.user)
    if membership and not path.is_root:
        missing += _missing(locks.covering(path.parent), tokens, request.user)
    if members:
        below: dict[FilePath, list[Lock]] = {}
        for lock in locks.below(path):
            below.setdefault(lock.path, []).append(lock)
        missing += [lock for some in below.values() for lock in _missing(some, tokens, request.user)]
    if missing:
        roots = dict.fromkeys(str(lock.path) for lock in missing)
        raise Locked("This is locked; the request did not name the lock", list(roots))


def require_parent(request: Request, path: FilePath) -> None:
    """Raises ParentMissing or NotAFolder (409 both) unless a folder can take the member `path`."""
    parent = entry_at(request, path.parent)
    if parent is None:
        raise ParentMissing("The folder for this does not exist")
    if not parent.is_folder:
        raise NotAFolder("A file is where the folder for this should be")


def entry_at(request: Request, path: FilePath) -> Entry | None:
    """What is at `path`, or None."""
    try:
        return request.home.stat(path)
    except NotFound:
        return None


def _missing(locks: Iterable[Lock], tokens: frozenset[str], principal: str) -> list[Lock]:
    """The locks in the way: an exclusive one not held, and the shared ones when none of them is held."""
    missing = []
    shared = []
    for lock in locks:
        held = lock.token in tokens and lock.principal == principal
        if not lock.exclusive:
            shared.append((lock, held))
        elif not held:
            missing.append(lock)
    if shared and not any(held for _, held in shared):
        missing += [lock for lock, _ in shared]
    return missing


def _tagged_place(request: Request, tag: str) -> FilePath | None:
    try:
        return request.place(tag)
    except BadPath:
        return None
