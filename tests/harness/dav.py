"""A plain DAV client for tests: it sends exactly what it is told and hides nothing."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from harness.leaks import remember_fields
from harness.server import Account, Server

DAV = "{DAV:}"


@dataclass(frozen=True)
class Answer:
    """A whole answer. Header names are as the server sent them; look-ups ignore case."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes

    def __getitem__(self, name: str) -> str:
        value = self.headers[name]
        assert value is not None, f"no {name} header"
        return value

    @property
    def etag(self) -> str:
        return self["ETag"]

    @property
    def lock_token(self) -> str:
        """The token of a LOCK answer, without its angle brackets."""
        return self["Lock-Token"].strip("<>")

    @property
    def message(self) -> str:
        """The sentence for people in an error body."""
        return ET.fromstring(self.body).findtext("{http://sabredav.org/ns}message") or ""

    def responses(self) -> dict[str, dict[str, ET.Element]]:
        """Of a 207: decoded path → property name (Clark notation) → element, for the 200 propstats."""
        return {
            unquote(urlsplit(response.findtext(DAV + "href") or "").path): _found(response)
            for response in ET.fromstring(self.body).findall(DAV + "response")
        }

    @property
    def paths(self) -> set[str]:
        return set(self.responses())


class Client:
    """One keep-alive connection of one user (None: no credentials)."""

    def __init__(self, server: Server, account: Account | None = None, *, timeout: float = 30.0) -> None:
        self._server = server
        self._timeout = timeout
        self._headers = _basic(account) if account else {}
        self._connection: http.client.HTTPConnection | None = None

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | str | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `path` goes out as it is. An iterable body is sent chunked."""
        if isinstance(body, str):
            body = body.encode()
        connection = self._open()
        chunked = body is not None and not isinstance(body, bytes)
        fields = {**self._headers, **(headers or {})}
        remember_fields(fields)
        if chunked:
            fields.setdefault("Transfer-Encoding", "chunked")
        connection.request(method, path, body, fields, encode_chunked=chunked)
        answer = connection.getresponse()
        whole = Answer(answer.status, answer.reason, answer.headers, answer.read())
        if answer.will_close:
            self.close()
        return whole

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, headers=_dashed(headers))

    def put(self, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        return self("PUT", path, body, _dashed(headers))

    def propfind(self, path: str, depth: str = "1", names: Iterable[str] = ()) -> Answer:
        """PROPFIND for these properties (Clark notation), or allprop when none is named."""
        return self("PROPFIND", path, _propfind_body(names), {"Depth": depth})

    def move(self, source: str, target: str, **headers: str) -> Answer:
        return self("MOVE", source, headers={"Destination": self.url(target), **_dashed(headers)})

    def copy(self, source: str, target: str, **headers: str) -> Answer:
        return self("COPY", source, headers={"Destination": self.url(target), **_dashed(headers)})

    def lock(self, path: str, *, scope: str = "exclusive", owner: str = "a test", **headers: str) -> Answer:
        body = (
            f'<lockinfo xmlns="DAV:"><lockscope><{scope}/></lockscope>'
            f"<locktype><write/></locktype><owner>{owner}</owner></lockinfo>"
        )
        return self("LOCK", path, body, _dashed(headers))

    def unlock(self, path: str, token: str) -> Answer:
        return self("UNLOCK", path, headers={"Lock-Token": f"<{token}>"})

    def url(self, path: str) -> str:
        return self._server.url + path

    def names(self, folder: str = "/") -> set[str]:
        """The names of the members that a listing of `folder` shows."""
        base = folder.rstrip("/") + "/"
        paths = self.propfind(folder, names=[DAV + "resourcetype"]).paths
        return {path.removeprefix(base).rstrip("/") for path in paths} - {""}

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port, timeout = "127.0.0.1", self._server.port, self._timeout
            if self._server.scheme == "https":
                trust = ssl.create_default_context()
                trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
                self._connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=trust)
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=timeout)
        return self._connection


def _basic(account: Account) -> dict[str, str]:
    pair = base64.b64encode(f"{account.name}:{account.password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _propfind_body(names: Iterable[str]) -> bytes | None:
    properties = "".join(_empty_element(name) for name in names)
    return f'<propfind xmlns="DAV:"><prop>{properties}</prop></propfind>'.encode() if properties else None


def _empty_element(name: str) -> str:
    space, _, local = name.removeprefix("{").rpartition("}")
    return f'<x:{local} xmlns:x="{space}"/>'


def _found(response: ET.Element) -> dict[str, ET.Element]:
    return {
        element.tag: element
        for propstat in response.findall(DAV + "propstat")
        if " 200 " in (propstat.findtext(DAV + "status") or "") + " "
        for element in propstat.find(DAV + "prop") or ()
    }


@contextmanager
def through_proxy(server: Server, port: int, account: Account) -> Iterator[Client]:
    """A client of `server` by a proxy at `port`, once that answers."""
    front = Server(server.data, server.settings)
    front.scheme, front.port = "http", port
    with Client(front, account) as client:
        for _ in range(100):
            try:
                client("OPTIONS", "/")
                break
            except OSError:
                client.close()
                time.sleep(0.1)
        yield client
