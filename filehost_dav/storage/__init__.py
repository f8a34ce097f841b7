"""Users' files: the Tree contract, its local and its object implementation, trash, versions, quota."""

from filehost_dav.storage.local import LocalStorage
from filehost_dav.storage.object import ObjectStorage

__all__ = ["LocalStorage", "ObjectStorage"]
