"""The WebDAV application: WsgiDAV with our provider, engine and error printer.

They are put together here and not by WsgiDAVApp: its wrapper around start_response reads whole bodies of
refused requests into memory and closes the connection after every streamed answer, and it loads a page
with a template engine, which takes as long as everything else of WsgiDAV.
"""

from __future__ import annotations

from filehost_dav.dav.engine import Engine
from filehost_dav.dav.printer import ErrorPrinter
from filehost_dav.dav.propfind_memory import Listings
from filehost_dav.dav.provider import HomeProvider
from filehost_dav.dav.request import Services
from filehost_dav.state.database import Database
from filehost_dav.state.locks import LockStore
from filehost_dav.state.properties import Properties


def build(database: Database, *, whole_trees: bool = False) -> ErrorPrinter:
    """A WSGI application that serves `environ["filehost.home"]`, the tree of `environ["filehost.user"]`,
    at its root. It may be mounted anywhere by SCRIPT_NAME and PATH_INFO, and at several places at once.

    OPTIONS needs neither user nor tree; everything else must be signed in before it gets here.
    `whole_trees`: whether PROPFIND may have the Depth infinity.
    """
    # Locks and properties live in our own records, keyed by user and path.
    locks, properties = LockStore(database), Properties(database)
    services = Services(database, locks, properties, Listings(), whole_trees)
    return ErrorPrinter(Engine(HomeProvider(), services))
