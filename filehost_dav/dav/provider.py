"""HomeProvider: WsgiDAV's view of the signed-in user's tree.

WsgiDAV keys what it remembers of a resource by its ref url. Ours begins with the user, so that two
users' resources at the same path are two (stock keys are the path alone), and `ref_url_to_path` is
its exact inverse whatever characters a name holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote, unquote

from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider

from filehost_dav.dav.media import media_type
from filehost_dav.errors import BadPath, NotFound
from filehost_dav.paths import FilePath
from filehost_dav.storage.tree import Content, Entry, Tree

Environ = dict[str, Any]


class HomeProvider(DAVProvider):  # type: ignore[misc]
    """Resources over `environ["filehost.home"]`."""

    def get_resource_inst(self, path: str, environ: Environ) -> File | Folder | None:
        home: Tree = environ["filehost.home"]
        try:
            entry = home.stat(FilePath.parse(path))
        except (NotFound, BadPath):
            return None
        return _resource(entry, environ)

    def ref_url_to_path(self, ref_url: str) -> str:
        """The path of the resource whose ref url this is."""
        _, _, path = ref_url.removeprefix("/").partition("/")
        return "/" + unquote(path)


def ref_url(user: str, path: FilePath) -> str:
    """The key of one user's resource."""
    return "/" + quote(user, safe="") + path.as_url()


class _Resource:
    """What files and folders have in common."""

    entry: Entry
    environ: Environ

    def get_ref_url(self) -> str:
        return ref_url(self.environ["filehost.user"].name, self.entry.path)

    def get_etag(self) -> str:
        return self.entry.etag.strip('"')  # WsgiDAV adds the quotes itself

    def get_last_modified(self) -> float:
        return self.entry.modified / 10**9

    def get_creation_date(self) -> float:
        return self.entry.created / 10**9

    def support_etag(self) -> bool:
        return True


class File(_Resource, DAVNonCollection):  # type: ignore[misc]
    """A file, for reading: what changes a file goes through the engine."""

    def __init__(self, entry: Entry, environ: Environ) -> None:
        super().__init__(str(entry.path), environ)
        self.entry = entry

    def get_content_length(self) -> int:
        return self.entry.size

    def get_content_type(self) -> str:
        return media_type(self.entry.path.extension)

    def support_ranges(self) -> bool:
        return True

    def get_content(self) -> IO[bytes]:
        return _Reader(self.environ["filehost.home"].open(self.entry.path))  # type: ignore[return-value]


class Folder(_Resource, DAVCollection):  # type: ignore[misc]
    """A folder."""

    def __init__(self, entry: Entry, environ: Environ) -> None:
        super().__init__(str(entry.path), environ)
        self.entry = entry

    def get_member_names(self) -> list[str]:
        return [entry.path.name for entry in self._members()]

    def get_member_list(self) -> list[File | Folder]:
        """One pass; a member that vanishes meanwhile is left out."""
        return [_resource(entry, self.environ) for entry in self._members()]

    def get_member(self, name: str) -> File | Folder | None:
        resource: File | Folder | None = self.provider.get_resource_inst(
            str(self.entry.path / name), self.environ
        )
        return resource

    def _members(self) -> Iterator[Entry]:
        members: Iterator[Entry] = self.environ["filehost.home"].list(self.entry.path)
        return members


class _Reader:
    """A file's content as WsgiDAV reads it."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0

    def seek(self, position: int) -> None:
        self._position = position

    def read(self, most: int) -> bytes:
        length = min(most, self._content.entry.size - self._position)
        block = b"".join(self._content.blocks(self._position, length)) if length > 0 else b""
        self._position += len(block)
        return block

    def close(self) -> None:
        self._content.close()


def _resource(entry: Entry, environ: Environ) -> File | Folder:
    return Folder(entry, environ) if entry.is_folder else File(entry, environ)
