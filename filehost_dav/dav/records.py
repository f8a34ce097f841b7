"""What becomes of locks and dead properties when the files they belong to come and go.

Properties follow a MOVE and are copied by a COPY (RFC 4918 9.8.2, 9.9.1); locks do neither, they end
with the resource (7.5). What belonged to a replaced target never comes back to life on the new one.
"""

from __future__ import annotations

from filehost_dav.dav.request import Request
from filehost_dav.paths import FilePath


def removed(request: Request, path: FilePath) -> None:
    """The resource at `path` is gone with everything below."""
    services, owner = request.services, request.user
    with services.database.transaction(owner) as transaction:
        services.locks.removed(transaction, owner, path)
        services.properties.removed(transaction, owner, path)


def moved(request: Request, source: FilePath, target: FilePath) -> None:
    """`source` is at `target` now, with everything below."""
    services, owner = request.services, request.user
    with services.database.transaction(owner) as transaction:
        services.locks.removed(transaction, owner, source)
        services.locks.emptied(transaction, owner, target)
        services.properties.moved(transaction, owner, source, target)


def copied(request: Request, source: FilePath, target: FilePath, *, deep: bool) -> None:
    """What is at `source` is at `target` too (`deep=False`: the folder alone)."""
    services, owner = request.services, request.user
    with services.database.transaction(owner) as transaction:
        services.locks.emptied(transaction, owner, target)
        services.properties.copied(transaction, owner, source, target, deep=deep)
