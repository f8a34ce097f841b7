"""Files in plain folders of the local disk, which is the truth: what is put there by hand appears."""

from filehost_dav.storage.local.storage import LocalStorage

__all__ = ["LocalStorage"]
