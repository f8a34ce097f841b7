"""Behind a real nginx that sends the files itself (`X-Accel-Redirect`) and tells who the client is."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.raw import ours
from testbed.processes import free_port

from filehost_dav.http.transfer import Offload
from filehost_dav.storage.tree import Span

pytestmark = pytest.mark.clients

CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_pass http://127.0.0.1:{back};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
        }}
        location /kept/ {{
            internal; alias {files}/;
            etag off; add_header ETag $upstream_http_etag;
        }}
    }}
}}
"""


class Kept:
    """A file that the front server may read by itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entry: Any = None

    def descriptor(self) -> int | None:
        return None

    def blocks(self, start: int, length: int) -> Iterator[bytes]:
        raise AssertionError("nginx was to send it")

    def offload(self) -> str | None:
        return str(self.path)

    def close(self) -> None: ...

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def front(tmp_path: Path) -> Iterator[int]:
    """The port of nginx before our server. `/who` tells what the application sees; the rest is a file."""
    if shutil.which("nginx") is None:
        pytest.skip("needs nginx")
    file = tmp_path / "files" / "grüße 100%.bin"
    file.parent.mkdir()
    file.write_bytes(os.urandom(200_000))
    tmp_path.chmod(0o755)

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] == "/who":
            start("200 OK", [])
            return [f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}".encode()]
        start("200 OK", [("Content-Length", "200000"), ("ETag", '"ours"'), ("Content-Type", "image/x-ours")])
        environ["filehost.answer"] = [Span(Kept(file), 0, 200_000)]
        return []

    offload = Offload("X-Accel-Redirect", file.parent, "/kept/")
    with ours(app, offload=offload, proxies=("127.0.0.1",)) as back:
        port = free_port()
        config = tmp_path / "nginx.conf"
        config.write_text(CONFIG.format(folder=tmp_path, front=port, back=back, files=file.parent))
        nginx = subprocess.Popen(["nginx", "-e", str(tmp_path / "error.log"), "-c", str(config)])
        try:
            _await(port)
            yield port
        finally:
            nginx.terminate()
            nginx.wait(10)


def _await(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not listen")


def _get(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_nginx_sends_the_file_with_our_headers(front: int, tmp_path: Path) -> None:
    answer, body = _get(front, "/file")
    assert body == (tmp_path / "files" / "grüße 100%.bin").read_bytes()
    assert answer.headers["Content-Type"] == "image/x-ours"
    assert answer.headers["X-Accel-Redirect"] is None
    assert answer.headers.get_all("ETag") == ['"ours"']


def test_nginx_does_the_ranges(front: int, tmp_path: Path) -> None:
    answer, body = _get(front, "/file", Range="bytes=1000-1999")
    assert answer.status == 206
    assert body == (tmp_path / "files" / "grüße 100%.bin").read_bytes()[1000:2000]


def test_the_client_behind_nginx_is_known(front: int) -> None:
    assert _get(front, "/who")[1] == b"127.0.0.1 https"
