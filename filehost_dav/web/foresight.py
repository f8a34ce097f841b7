"""Foresight: what a request will ask of the records goes along with the first thing that is asked.

Where each question is a round trip to another machine, one of two or three is saved that way. The path and
the name are taken as the client gave them, before anybody has looked at the password: they only choose
what is asked, and a wrong guess costs a question and tells nobody anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from filehost_dav.accounts.names import one_spelling
from filehost_dav.errors import BadPath, SignInRefused
from filehost_dav.paths import FilePath
from filehost_dav.state.database import Statement
from filehost_dav.web.homes import path_of
from filehost_dav.web.signin import read_basic

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LISTING: Final = "PROPFIND of members"
Questions = Callable[[str, FilePath], Iterable[Statement]]
"""By a user's name and a path."""


class Foresight:
    """WSGI middleware, outside the sign-in."""

    def __init__(
        self,
        application: WSGIApplication,
        alongside: Callable[[Iterable[Statement]], AbstractContextManager[None]],
        questions: Mapping[str, Questions],
    ) -> None:
        """`questions` by method, or by LISTING; what is not in it is left alone."""
        self._application = application
        self._alongside = alongside
        self._questions = questions

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        questions = self._questions.get(_kind(environ))
        header = environ.get("HTTP_AUTHORIZATION", "")
        if questions is None or not header:
            return self._application(environ, start_response)
        with self._alongside(_asked(questions, header, environ)):
            return self._application(environ, start_response)


def _kind(environ: WSGIEnvironment) -> str:
    method: str = environ["REQUEST_METHOD"]
    return LISTING if method == "PROPFIND" and environ.get("HTTP_DEPTH") != "0" else method


def _asked(questions: Questions, header: str, environ: WSGIEnvironment) -> Iterator[Statement]:
    try:
        name, path = one_spelling(read_basic(header.strip()).name), FilePath.parse(path_of(environ))
    except (SignInRefused, BadPath):
        return
    if "\0" not in name:
        yield from questions(name, path)
