"""The load: rates by wrk, single requests and streams by plain sockets with prepared bytes."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping

from benchmarks.peers import Place, trusting

PIECE = 256 * 1024


def rate(
    place: Place,
    connections: int,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    body: str = "",
    numbered: bool = False,
) -> float:
    """Requests a second. `numbered` appends a fresh number and `.txt` to each path. With a header
    `Connection: close` every request has its own connection. Raises RuntimeError.
    """
    if shutil.which("wrk") is None:
        raise RuntimeError("needs wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(
            script(
                method, path, {**(headers or {}), "Authorization": place.authorization}, body, numbered=numbered
            )
        )
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{place.scale.seconds}s", "-s", file.name]
        output = subprocess.run([*command, place.url + "/"], capture_output=True, text=True, check=True).stdout
    return wrk_rate(output)


def wrk_rate(output: str) -> float:
    """Requests a second, as wrk tells them. Raises RuntimeError when it does not, or when some failed."""
    if "Non-2xx" in output:
        raise RuntimeError("some answers were errors")
    match = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if match is None:
        raise RuntimeError("wrk tells no rate")
    return float(match[1])


def script(method: str, path: str, headers: Mapping[str, str], body: str, *, numbered: bool) -> str:
    """What wrk shall ask, in Lua."""
    lines = [f"wrk.method = {json.dumps(method)}", f"wrk.body = {json.dumps(body)}"]
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    target = f'{json.dumps(path)} .. number .. ".txt"' if numbered else json.dumps(path)
    lines += ["number = 0", f"function request() number = number + 1; return wrk.format(nil, {target}) end"]
    return "\n".join(lines)


class Connection:
    """One keep-alive connection; times are seconds from the first byte sent to the last received."""

    def __init__(self, place: Place, *, patience: float = 60.0) -> None:
        """Raises TimeoutError, then and later, when the server is silent for so many seconds."""
        self._place = place
        plain = socket.create_connection(("127.0.0.1", place.port), patience)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = trusting().wrap_socket(plain) if place.scheme == "https" else plain
        self._buffer = bytearray(1 << 20)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """A whole request, ready to send."""
        fields = {
            "Host": f"127.0.0.1:{self._place.port}",
            "Authorization": self._place.authorization,
            **(headers or {}),
        }
        if body:
            fields |= {"Content-Type": "application/xml", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    def timed(self, request: bytes) -> float:
        """Raises RuntimeError when the answer is an error."""
        began = time.perf_counter()
        self.ask(request)
        return time.perf_counter() - began

    def ask(self, request: bytes) -> bytes:
        """The head of the answer. Raises RuntimeError when it is an error."""
        self._socket.sendall(request)
        return self._receive(whole=not request.startswith(b"HEAD "))

    def first(self, request: bytes) -> float:
        """The part of the time, 0 to 1, that goes by before the first byte. Raises RuntimeError."""
        began = time.perf_counter()
        self._socket.sendall(request)
        self._socket.recv(1, socket.MSG_PEEK)
        waited = time.perf_counter() - began
        self._receive()
        return waited / (time.perf_counter() - began)

    def send(self, data: bytes) -> None:
        """Nothing but that."""
        self._socket.sendall(data)

    def upload(
        self, path: str, size: int, *, chunked: bool, note: Callable[[int], object] = lambda _: None
    ) -> float:
        """PUT `size` bytes from a small hot buffer; `note` is told of each piece that was sent."""
        length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
        piece = bytes(PIECE)
        framed = b"%x\r\n%b\r\n" % (PIECE, piece) if chunked else piece
        began = time.perf_counter()
        self._socket.sendall(self.request("PUT", path, headers=length))
        for _ in range(size // PIECE):
            self._socket.sendall(framed)
            note(PIECE)
        if chunked:
            self._socket.sendall(b"0\r\n\r\n")
        self._receive()
        return time.perf_counter() - began

    def _receive(self, *, whole: bool = True) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, rest = data.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status >= 400:
            raise RuntimeError(f"answered {status}")
        if not whole:
            return head
        if re.search(rb"(?im)^transfer-encoding:\s*chunked", head):
            while not rest.endswith(b"0\r\n\r\n"):
                rest = rest[-16:] + self._more()
        elif match := re.search(rb"(?im)^content-length:\s*(\d+)", head):
            missing = int(match[1]) - len(rest)
            while missing > 0:
                missing -= self._drop(missing)
        return head

    def _more(self) -> bytes:
        count = self._socket.recv_into(self._buffer)
        if not count:
            raise OSError("the server closed the connection")
        return bytes(self._buffer[:count])

    def _drop(self, most: int) -> int:
        """Let the kernel throw received bytes away: the receiver must not be what is measured."""
        flags = 0 if self._place.scheme == "https" else getattr(socket, "MSG_TRUNC", 0)
        count = self._socket.recv_into(self._buffer, min(most, len(self._buffer)), flags)
        if not count:
            raise OSError("the server closed the connection")
        return count

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
