"""Two servers side by side: what stock WsgiDAV on stock cheroot needs, and a server seen by its users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsgidav.fs_dav_provider import FilesystemProvider

from harness.dav import Client
from harness.server import Account

USERS = ("alice", "bob")
PASSWORD = "correct horse battery"


class PerUser(FilesystemProvider):  # type: ignore[misc]
    """A folder for each user, by the hook that stock WsgiDAV has for it."""

    def _loc_to_file_path(self, path: str, environ: dict[str, Any] | None = None) -> str:
        user = (environ or {}).get("wsgidav.auth.user_name") or "nobody"
        return str(Path(self.root_folder_path) / user / path.strip("/"))


@dataclass
class Stock:
    """Stock WsgiDAV and cheroot; what harness.dav.Client needs of a server."""

    folder: Path
    port: int
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Site:
    """One of the two servers, seen by its users."""

    server: Any
    home: Callable[[str], Path]
    clients: dict[str | None, Client] = field(default_factory=dict)

    def __call__(self, user: str | None = "alice") -> Client:
        """A user's new connection (the stock server drops idle ones); None: without credentials."""
        if user not in self.clients:
            account = None if user is None else Account(user, PASSWORD)
            self.clients[user] = Client(self.server, account)
        self.clients[user].close()
        return self.clients[user]

    @property
    def port(self) -> int:
        return int(self.server.port)

    @property
    def is_stock(self) -> bool:
        return isinstance(self.server, Stock)

    def close(self) -> None:
        for client in self.clients.values():
            client.close()
