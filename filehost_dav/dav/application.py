"""The WebDAV application: WsgiDAV with our provider, engine and error printer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wsgidav.wsgidav_app import WsgiDAVApp

from filehost_dav.dav.answer import StartResponse
from filehost_dav.dav.printer import ErrorPrinter
from filehost_dav.dav.propfind_memory import Listings
from filehost_dav.dav.provider import HomeProvider
from filehost_dav.dav.request import Services
from filehost_dav.dav.resolver import Resolver
from filehost_dav.state.database import Database
from filehost_dav.state.locks import LockStore
from filehost_dav.state.properties import Properties


def build(database: Database, *, whole_trees: bool = False) -> Application:
    """A WSGI application that serves `environ["filehost.home"]`, the tree of `environ["filehost.user"]`,
    at its root. It may be mounted anywhere by SCRIPT_NAME and PATH_INFO, and at several places at once.

    OPTIONS needs neither user nor tree; everything else must be signed in before it gets here.
    `whole_trees`: whether PROPFIND may have the Depth infinity.
    """
    locks, properties = LockStore(database), Properties(database)
    return Application(Services(database, locks, properties, Listings(), whole_trees))


class Application(WsgiDAVApp):  # type: ignore[misc]
    """WsgiDAVApp without its wrapper around start_response, which reads whole bodies of refused
    requests into memory and closes the connection after every streamed answer.
    """

    def __init__(self, services: Services) -> None:
        self._provider = HomeProvider()
        super().__init__(
            {
                "provider_mapping": {"/": self._provider},
                "middleware_stack": [ErrorPrinter(Resolver(services))],
                # Locks and properties live in our own records, keyed by user and path.
                "lock_storage": None,
                "property_manager": None,
                "http_authenticator": {"accept_basic": False, "accept_digest": False},
                "logging": {"enable": False},
                "verbose": 1,
            }
        )

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgidav.app"] = self
        environ["wsgidav.config"] = self.config
        environ["wsgidav.provider"] = self._provider
        environ["wsgidav.verbose"] = self.verbose
        answer: Iterable[bytes] = self.application(environ, start_response)
        return answer
