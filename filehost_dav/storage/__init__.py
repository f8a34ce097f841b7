"""Users' files: the Tree contract, its local and its object implementation, trash, versions, quota."""

from filehost_dav.storage.local import LocalStorage

__all__ = ["LocalStorage"]
