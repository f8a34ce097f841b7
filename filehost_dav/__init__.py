"""Filehost DAV: a WebDAV file server with a private folder for each user."""

__version__ = "0.1.0"
