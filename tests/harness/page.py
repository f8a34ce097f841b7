"""The page's application on real storage and real records, and a visitor who says what browsers say."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from filehost_dav.accounts.app_passwords import AppPasswords
from filehost_dav.accounts.codes import Codes
from filehost_dav.accounts.memory import Memory
from filehost_dav.accounts.passwords import Cost, Passwords
from filehost_dav.accounts.second_step import SecondStep
from filehost_dav.accounts.sessions import Sessions
from filehost_dav.accounts.signing_in import Proof, SigningIn
from filehost_dav.accounts.throttle import Patience, Throttle
from filehost_dav.accounts.users import User, Users
from filehost_dav.policy.roles import Policy
from filehost_dav.state.database import SqliteDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.home import Home
from filehost_dav.storage.local import LocalStorage
from filehost_dav.web.accounts import Accounts
from filehost_dav.web.application import Pages
from filehost_dav.web.front import FrontDoor
from filehost_dav.web.homes import Homes
from filehost_dav.web.signin import Gate
from harness.clock import Clock
from harness.leaks import remember, remember_fields

PASSWORD = "correct horse battery"
BROWSER = {
    "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
SAME_SITE = {**BROWSER, "Sec-Fetch-Site": "same-origin"}
SCRIPT = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}
_SHOWN = re.compile(r'class="secret">([^<]+)<')
TEXT_BROWSER = {"Accept": "text/html, text/plain;q=0.5", "User-Agent": "Lynx/2.9"}


@dataclass
class Host:
    """One page on one set of records; several of them stand for several worker processes."""

    data: Path
    clock: Clock = field(default_factory=Clock)
    extensions: frozenset[str] | None = frozenset({"txt", "pdf", "png"})

    def __post_init__(self) -> None:
        self.data.mkdir(exist_ok=True)
        self.database = SqliteDatabase(self.data / "state.sqlite3")
        migrate(self.database)
        self.users = Users(self.database, self.clock)
        self.passwords = Passwords(Cost(memory=8192, rounds=1, lanes=1), at_once=1)
        self.app_passwords = AppPasswords(self.database, self.clock)
        self.sessions = Sessions(self.database, clock=self.clock)
        self.storage = LocalStorage(self.data, durability="none")
        self.throttle = Throttle(self.database, Patience(), self.clock)
        memory: Memory[Proof] = Memory(
            key=b"k" * 32, generation=self.database.generation, clock=self.clock, seconds=0
        )
        door = SigningIn(
            self.users,
            self.passwords,
            self.app_passwords,
            self.throttle,
            right=memory,
            wrong=memory,
        )
        self.codes = Codes(self.database, self.clock)
        self.second_step = SecondStep(self.users, self.codes, self.throttle, key=b"k" * 32, clock=self.clock)
        accounts = Accounts(
            self.sessions,
            door.with_account_password,
            self.set_password,
            self.app_passwords,
            self.codes,
            self.second_step,
            "Filehost test",
        )
        self.pages = Pages(
            accounts,
            policy_of=lambda _: Policy(self.extensions),
            key=b"k" * 32,
            plain_http=False,
        )
        homes = Homes(self.pages, self._dav, lambda user: self.home(user.name))
        gate = Gate(homes, door, realm="test", plain_http=False)
        self.application = FrontDoor(gate, self.pages, self.sessions, self._find)

    def add_user(self, name: str) -> None:
        self.users.add(User(name), self.passwords.hash(PASSWORD))

    def set_password(self, name: str, password: str) -> None:
        self.users.set_password(name, self.passwords.hash(password))

    def files(self, user: str) -> Path:
        folder = self.data / "files" / user
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def home(self, user: str) -> Home:
        return Home(self.storage.tree(user), Policy(self.extensions))

    def close(self) -> None:
        self.storage.close()
        self.database.close()

    def _find(self, name: str) -> User | None:
        account = self.users.find(name)
        return account.user if account else None

    def _dav(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        user = environ.get("filehost.user")
        start_response("200 WebDAV", [("Content-Type", "text/plain")])
        return [f"WebDAV for {user.name if user else None}".encode()]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Visitor:
    """A browser: it keeps cookies, follows nothing by itself and sends what a real one sends."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        fields = dict(BROWSER if headers is None else headers)
        if self.cookies:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, fields)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        remember_fields({**fields, "Cookie": "; ".join(map("=".join, self.cookies.items()))})
        for shown in _SHOWN.findall(answer.body.decode("utf-8", "replace")):
            remember(shown)
            remember(shown.replace(" ", ""))
        return answer

    def get(self, path: str) -> Answer:
        return self("GET", path)

    def post(self, path: str, fields: Any, headers: dict[str, str] | None = None) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or SAME_SITE)}
        return self("POST", path, urlencode(fields, doseq=True).encode(), kind)

    def sign_in(self, name: str = "alice", password: str = PASSWORD, target: str = "") -> Answer:
        return self.post("/.filehost/signin", {"name": name, "password": password, "next": target})

    def token(self, path: str = "/?plain") -> str:
        """The token in the forms of a page."""
        return self.get(path).text.partition('name="token" value="')[2].partition('"')[0]


def between(text: str, start: str, end: str) -> str:
    """What stands between two marks, the first time."""
    return text.partition(start)[2].partition(end)[0]


@contextmanager
def served(host: Host) -> Iterator[int]:
    """Serve an application; its port."""
    server = make_server("127.0.0.1", 0, host.application, _Server, _Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing to say in a test."""
