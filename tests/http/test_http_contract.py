"""The places where our classes hold on to cheroot's: when one of them moves, this says so."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest
from cheroot import server as stock
from cheroot import wsgi

from filehost_dav.http.connection import Connection
from filehost_dav.http.crew import Crew
from filehost_dav.http.gateway import Gateway
from filehost_dav.http.request import Request
from filehost_dav.http.server import Server
from filehost_dav.http.waiting import Waiting

OVERRIDDEN = [
    (Server, wsgi.Server, ["prepare", "serve", "stop", "error_log", "ConnectionClass"]),
    (Connection, stock.HTTPConnection, ["communicate", "close", "RequestHandlerClass"]),
    (Request, stock.HTTPRequest, ["parse_request", "respond", "simple_response"]),
    (Gateway, wsgi.Gateway_10, ["get_environ", "respond", "start_response", "write"]),
]


@pytest.mark.parametrize(("ours", "theirs", "names"), OVERRIDDEN)
def test_what_we_override_is_there(ours: type, theirs: type, names: list[str]) -> None:
    assert issubclass(ours, theirs)
    assert [name for name in names if not hasattr(theirs, name)] == []
    assert [name for name in names if name not in vars(ours)] == []


USED = [
    (wsgi.Server, ["bind_addr", "ready", "wsgi_app"]),
    (stock.HTTPConnection, ["remote_addr", "remote_port"]),
    (stock.HTTPRequest, ["ready", "close_connection", "server", "conn"]),
    (Crew, ["min", "put", "start", "stop"]),
    (Waiting, ["put", "stop", "close"]),
]


@pytest.mark.parametrize(("owner", "names"), USED)
def test_what_we_use_is_there(owner: type, names: list[str]) -> None:
    known = set(dir(owner)) | set(inspect.getsource(owner.__init__).replace("self.", "").split())
    assert [name for name in names if name not in known] == []


def test_the_constructors_take_what_we_give() -> None:
    inspect.signature(wsgi.Server.__init__).bind(None, ("127.0.0.1", 1), None, server_name="x")
    inspect.signature(stock.HTTPConnection.__init__).bind(None, None, None, None)
    inspect.signature(stock.HTTPRequest.__init__).bind(None, None, None)
    inspect.signature(wsgi.Gateway_10.__init__).bind(None, None)


def test_cheroot_is_of_the_major_version_this_was_read_for() -> None:
    assert version("cheroot").split(".")[0] == "11"
