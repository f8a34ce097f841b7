"""Health and HSTS, as middlewares around a real WSGI answer."""

from __future__ import annotations

from typing import Any

import pytest

from filehost_dav.errors import Full, Unavailable
from filehost_dav.web.health import LIVE, READY, Health
from filehost_dav.web.https import OnlyHttps


def behind(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("401 Sign in", [("X-Behind", "1")])
    return [b"behind"]


def ask(application: Any, method: str, path: str, scheme: str = "http") -> tuple[str, dict[str, str], bytes]:
    """The status, the headers and the body of one answer."""
    said: list[Any] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.url_scheme": scheme}
    body = b"".join(application(environ, lambda *given: said.extend(given)))
    return said[0], dict(said[1]), body


def nothing_wrong() -> None: ...


@pytest.mark.parametrize("path", [LIVE, READY])
def test_anybody_may_ask_and_learns_nothing_else(path: str) -> None:
    status, headers, body = ask(Health(behind, nothing_wrong), "GET", path)
    assert (status, body) == ("200 OK", b"ok\n")
    assert headers["Cache-Control"] == "no-store"
    assert ask(Health(behind, nothing_wrong), "HEAD", path)[2] == b""


@pytest.mark.parametrize("error", [Unavailable("x"), Full("/secret/path"), OSError(28, "x", "/secret/path")])
def test_a_process_that_cannot_serve_is_alive_and_not_ready(error: Exception) -> None:
    def broken() -> None:
        raise error

    assert ask(Health(behind, broken), "GET", LIVE)[0] == "200 OK"
    status, _, body = ask(Health(behind, broken), "GET", READY)
    assert (status, body) == ("503 Service Unavailable", b"not ready\n")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", LIVE), ("GET", "/"), ("GET", LIVE + "/x"), ("PROPFIND", READY)]
)
def test_everything_else_passes(method: str, path: str) -> None:
    assert ask(Health(behind, nothing_wrong), method, path)[2] == b"behind"


def test_only_over_https_is_https_demanded() -> None:
    application = OnlyHttps(behind, 3600)
    assert ask(application, "GET", "/", "https")[1] == {
        "X-Behind": "1",
        "Strict-Transport-Security": "max-age=3600",
    }
    assert "Strict-Transport-Security" not in ask(application, "GET", "/", "http")[1]
