"""nginx fetches large files from the bucket itself: the example of docs/growing.md, on a real S3 engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness.dav import Answer, Client, through_proxy
from harness.server import REPOSITORY, Account, Server
from testbed.processes import free_ports
from testbed.seaweedfs import S3

pytestmark = [pytest.mark.s3, pytest.mark.clients]
MIB = 1 << 20
CONTENT = os.urandom(3 * MIB)
OF_THE_HOP = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
SIZE = int(os.environ.get("FILEHOST_TEST_LARGE", "128")) * MIB  # 1024 for the promise to the letter


@dataclass
class Front:
    """nginx before a node, on whose bucket somebody else may be asked for the same."""

    client: Client
    node: Server
    account: Account
    folder: Path


@pytest.fixture(scope="module")
def front(s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if not shutil.which("nginx"):
        pytest.skip("needs nginx")
    folder = tmp_path_factory.mktemp("offload")
    settings = {
        **s3.environment,
        "FILEHOST_STORAGE_KIND": "object",
        "FILEHOST_OBJECT_BUCKET": s3.bucket(),
        "FILEHOST_OBJECT_ENDPOINT": s3.endpoint,
        "FILEHOST_SERVER_WORKERS": "1",
        "FILEHOST_SERVER_PROXIES": "127.0.0.1",
        "FILEHOST_SERVER_SEND_FILES": "x-accel-redirect",
        "FILEHOST_LOG_REQUESTS": "all",
    }
    node = Server(folder / "data", settings).start()
    (port,) = free_ports(1)
    (folder / "nginx.conf").write_text(_nginx(folder, port, node, s3))
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"), "-p", str(folder)]
    nginx = subprocess.Popen(command)
    account = node.add_user("alice")
    with through_proxy(node, port, account) as client:
        assert client.put("/large.pdf", b"%PDF-1.7\n" + CONTENT).status == 201
        yield Front(client, node, account, folder)
    nginx.terminate()
    nginx.wait(10)
    node.stop()


def _nginx(folder: Path, port: int, node: Server, s3: S3) -> str:
    found = re.search(
        r"<!-- nginx-signed -->\n```nginx\n(.*?)```", (REPOSITORY / "docs/growing.md").read_text(), re.DOTALL
    )
    assert found
    store = urlsplit(s3.endpoint).netloc
    locations = found[1].replace("https://s3.example.org/", f"http://{store}/").replace("s3.example.org", store)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""pid {folder}/pid; daemon off; error_log {folder}/error.log info; events {{}}
        http {{ access_log {folder}/access.log; {temporary} server {{ listen 127.0.0.1:{port};
        client_max_body_size 0; proxy_request_buffering off;
        location / {{ proxy_pass http://127.0.0.1:{node.port}; proxy_set_header Host $http_host; }}
        {locations} }} }}"""


def _headers(answer: Answer) -> dict[str, list[str]]:
    names = {name.lower() for name in answer.headers} - OF_THE_HOP
    return {name: answer.headers.get_all(name) or [] for name in names}


def _through_node(node: Server) -> int:
    """Bytes the node has sent, as its log counts them."""
    time.sleep(0.2)
    return sum(int(count) for count in re.findall(r"\bsent=(\d+)", node.log))


def test_the_client_sees_our_headers_and_none_of_the_stores(front: Front) -> None:
    answer = front.client.get("/large.pdf")
    assert answer.status == 200
    assert answer.body == b"%PDF-1.7\n" + CONTENT
    assert _headers(answer) == _headers(front.client("HEAD", "/large.pdf"))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=5-99", 5, 100), (f"bytes={2 * MIB}-", 2 * MIB, None), ("bytes=-2000000", -2_000_000, None)],
)
def test_a_range_is_what_was_asked_for(front: Front, asked: str, start: int, end: int | None) -> None:
    whole = b"%PDF-1.7\n" + CONTENT
    answer = front.client.get("/large.pdf", Range=asked)
    assert answer.status == 206
    assert answer.body == whole[start:end]
    first = start % len(whole)
    assert answer["Content-Range"] == f"bytes {first}-{first + len(answer.body) - 1}/{len(whole)}"
    assert answer.headers.get_all("ETag") == front.client("HEAD", "/large.pdf").headers.get_all("ETag")


def test_conditions_are_ours_to_judge(front: Front) -> None:
    etag = front.client("HEAD", "/large.pdf").etag
    assert front.client.get("/large.pdf", If_None_Match=etag).status == 304
    assert front.client.get("/large.pdf", If_None_Match='"other"').status == 200
    assert front.client.get("/large.pdf", If_Match='"other"').status == 412
    assert front.client.get("/large.pdf", Range="bytes=99999999-").status == 416
    assert front.client.get("/large.pdf", Range="bytes=0-9", If_Range=etag).status == 206
    whole = front.client.get("/large.pdf", Range="bytes=0-9", If_Range='"other"')
    assert (whole.status, len(whole.body)) == (200, 9 + len(CONTENT))


def test_nobody_reaches_the_store_from_outside(front: Front) -> None:
    for place in ("", f"{front.node.settings['FILEHOST_OBJECT_BUCKET']}/b/"):
        answer = front.client.get(f"/filehost-files/{place}")
        assert answer.status == 503
        assert b"ListBucketResult" not in answer.body


def test_the_store_fails_for_the_client_as_a_503_and_no_address_is_in_a_log(front: Front, s3: S3) -> None:
    content = b"%PDF-1.7\n" + CONTENT + b"gone"
    front.client.put("/gone.pdf", content)
    bucket = front.node.settings["FILEHOST_OBJECT_BUCKET"]
    client = s3.client()
    there = client.list_objects_v2(Bucket=bucket, Prefix="b/")["Contents"]
    (lost,) = [stored["Key"] for stored in there if stored["Size"] == len(content)]
    client.delete_object(Bucket=bucket, Key=lost)
    answer = front.client.get("/gone.pdf")
    assert answer.status == 503
    assert answer["Retry-After"]
    assert b"b/" not in answer.body
    assert "ETag" not in answer.headers
    logs = front.node.log + "".join(path.read_text() for path in front.folder.glob("*.log"))
    assert "gone.pdf" in logs
    assert not re.search(r"(?i)x-amz-|signature", logs)


@pytest.mark.slow
def test_a_large_file_does_not_pass_through_the_node(front: Front) -> None:
    block = os.urandom(MIB)
    with Client(front.node, front.account) as direct:
        assert direct.put("/huge.pdf", _pdf(block)).status in (201, 204)
    before = _through_node(front.node)
    answer = front.client.get("/huge.pdf")
    assert len(answer.body) == SIZE
    assert answer.body.count(block[:64]) == SIZE // MIB - 1
    assert _through_node(front.node) - before < 10_000


def _pdf(block: bytes) -> list[bytes]:
    return [b"%PDF-1.7\n".ljust(MIB), *([block] * (SIZE // MIB - 1))]
