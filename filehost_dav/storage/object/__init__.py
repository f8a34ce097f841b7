"""Files as immutable objects in a bucket and the tree in SQL: any number of nodes serve the same users."""

from filehost_dav.storage.object.storage import ObjectStorage

__all__ = ["ObjectStorage"]
