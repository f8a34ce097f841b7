"""The server on object storage, as a client sees it."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness.dav import Client
from harness.server import Server, run
from testbed.postgres import Postgres
from testbed.seaweedfs import S3

MIB = 1 << 20


def settings(folder: Path) -> dict[str, str]:
    return {
        "FILEHOST_STORAGE_KIND": "object",
        "FILEHOST_OBJECT_CLIENT": "folder",
        "FILEHOST_OBJECT_BUCKET": str(folder / "bucket"),
        "FILEHOST_SERVER_WORKERS": "1",
    }


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("node")
    server = Server(folder / "data", settings(folder)).start()
    yield server
    server.stop()


@pytest.mark.parametrize("size", [0, 10, 3 * MIB])
def test_a_file_comes_back_whole_and_in_parts(node: Server, size: int) -> None:
    with Client(node, node.add_user(f"size{size}")) as client:
        content = bytes(range(256)) * (size // 256 + 1)
        content = content[:size]
        assert client.put("/x.txt", content).status == 201
        assert client.get("/x.txt").body == content
        if size:
            assert client.get("/x.txt", Range="bytes=3-5").body == content[3:6]


def test_a_store_that_does_not_answer_is_a_503_and_no_broken_download(node: Server) -> None:
    with Client(node, node.add_user("unlucky")) as client:
        client.put("/x.txt", b"content" * 10_000)
        bucket = Path(node.settings["FILEHOST_OBJECT_BUCKET"])
        shutil.move(bucket / "b", bucket / "away")
        try:
            answer = client.get("/x.txt")
            assert answer.status == 503
            assert int(answer["Retry-After"]) > 0
            assert client.propfind("/").status == 207
        finally:
            shutil.move(bucket / "away", bucket / "b")
        assert client.get("/x.txt").body == b"content" * 10_000


def test_a_server_on_the_bucket_of_another_does_not_start(node: Server, tmp_path: Path) -> None:
    other = Server(tmp_path / "data", {**node.settings})
    with pytest.raises(RuntimeError, match="belongs to a server whose database is another one") as refused:
        other.start()
    assert "Traceback" not in str(refused.value)


def test_the_command_line_checks_and_exports_and_imports(node: Server, tmp_path: Path) -> None:
    account = node.add_user("worker")
    place = ("--data", str(node.data))
    with Client(node, account) as client:
        client("MKCOL", "/folder")
        client.put("/folder/x.txt", b"content")
        run("export", "worker", str(tmp_path / "out"), *place, settings=node.settings)
        assert (tmp_path / "out" / "folder" / "x.txt").read_bytes() == b"content"
        (tmp_path / "out" / "y.txt").write_bytes(b"more")
        (tmp_path / "out" / "z.exe").write_bytes(b"MZ")
        told = run("import", "worker", str(tmp_path / "out"), *place, settings=node.settings)
        assert "/z.exe is refused" in told.stdout + told.stderr
        assert client.names("/") == {"folder", "y.txt"}
    assert "Every file has its content" in run("check", *place, settings=node.settings).stdout


def test_files_move_to_the_bucket_and_back_while_the_server_runs(tmp_path: Path) -> None:
    there = settings(tmp_path)
    here = Server(tmp_path / "data", {**there, "FILEHOST_STORAGE_KIND": "local"}).start()
    account = here.add_user("alice")
    place = ("--data", str(here.data))
    with Client(here, account) as client:
        client("MKCOL", "/folder")
        client.put("/folder/x.txt", b"content")
        client("PROPPATCH", "/folder/x.txt", PROPPATCH)
        assert "1 copied" in run("migrate", "--to", "object", *place, settings=here.settings).stdout
        client.put("/y.txt", b"later")
        run("migrate", "--to", "object", *place, settings=here.settings)
    here.stop()
    moved = Server(tmp_path / "data", there).start()
    with Client(moved, account) as client:
        assert client.get("/folder/x.txt").body == b"content"
        assert client.get("/y.txt").body == b"later"
        found = client.propfind("/folder/x.txt", "0", ["{urn:x}colour"]).responses()
        assert found["/folder/x.txt"]["{urn:x}colour"].text == "green"
        client.put("/z.txt", b"new")
    moved.stop()
    run("migrate", "--to", "local", *place, settings=there)
    assert here.files(account).joinpath("z.txt").read_bytes() == b"new"


PROPPATCH = (
    '<propertyupdate xmlns="DAV:"><set><prop><colour xmlns="urn:x">green</colour></prop></set></propertyupdate>'
)


def test_a_backup_of_the_records_finds_all_its_contents(tmp_path: Path) -> None:
    there = settings(tmp_path)
    node = Server(tmp_path / "data", there).start()
    account = node.add_user("alice")
    with Client(node, account) as client:
        client.put("/kept.txt", b"as it was")
        told = run("backup", str(tmp_path / "copy"), "--data", str(node.data), settings=there).stdout
        assert "bucket" in told
        client.put("/kept.txt", b"changed")
        client.put("/late.txt", b"late")
    node.stop()
    run("restore", str(tmp_path / "copy"), "--data", str(tmp_path / "new"), settings=there)
    assert "Every file has its content" in run("check", "--data", str(tmp_path / "new"), settings=there).stdout
    again = Server(tmp_path / "new", there).start()
    with Client(again, account) as client:
        assert client.names("/") == {"kept.txt"}
        assert client.get("/kept.txt").body == b"as it was"
    again.stop()


@pytest.mark.postgres
def test_a_dump_of_postgresql_brings_everything_back(postgres: Postgres, tmp_path: Path) -> None:
    tools = [tool for tool in (shutil.which("pg_dump"), shutil.which("pg_restore")) if tool]
    if len(tools) < 2:
        pytest.skip("needs pg_dump and pg_restore (Debian: apt-get install postgresql-client)")
    dump, back = tools
    url = postgres.database()
    there = {**settings(tmp_path), "FILEHOST_DATABASE_URL": url}
    node = Server(tmp_path / "data", there).start()
    account = node.add_user("alice")
    schema = urlsplit(url).username or ""
    with Client(node, account) as client:
        client.put("/kept.txt", b"as it was")
        file = str(tmp_path / "records.dump")
        subprocess.run([dump, "-Fc", "-f", file, "-n", schema, url], check=True)
        client.put("/kept.txt", b"changed")
        client.put("/late.txt", b"late")
    node.stop()
    subprocess.run([back, "--clean", "--if-exists", "-d", url, file], check=True)
    again = Server(tmp_path / "data", there).start()
    with Client(again, account) as client:
        assert client.names("/") == {"kept.txt"}
        assert client.get("/kept.txt").body == b"as it was"
    again.stop()
    assert "Every file has its content" in run("check", "--data", str(node.data), settings=there).stdout


@pytest.mark.postgres
@pytest.mark.slow
def test_a_frozen_database_is_a_503_within_seconds(postgres: Postgres, tmp_path: Path) -> None:
    if postgres.server is None:
        pytest.skip("somebody else's engine is not to be frozen")
    node = Server(tmp_path / "data", {**settings(tmp_path), "FILEHOST_DATABASE_URL": postgres.database()})
    account = node.start().add_user("alice")
    with Client(node, account) as client:
        client.put("/x.txt", b"content")
        postgres.server.freeze()
        try:
            began = time.monotonic()
            answer = client.get("/x.txt")
            took = time.monotonic() - began
        finally:
            postgres.server.thaw()
        assert (answer.status, bool(answer["Retry-After"])) == (503, True)
        assert took < 12
        assert client.get("/x.txt").body == b"content"
    node.stop()


@pytest.mark.s3
@pytest.mark.slow
@pytest.mark.parametrize("library", ["obstore", "boto3"])
def test_a_frozen_store_is_a_503_within_seconds(library: str, s3: S3, tmp_path: Path) -> None:
    if s3.server is None:
        pytest.skip("somebody else's engine is not to be frozen")
    choice = {
        "FILEHOST_STORAGE_KIND": "object",
        "FILEHOST_OBJECT_CLIENT": library,
        "FILEHOST_OBJECT_BUCKET": s3.bucket(),
        "FILEHOST_OBJECT_ENDPOINT": s3.endpoint,
        "FILEHOST_SERVER_WORKERS": "1",
    }
    node = Server(tmp_path / "data", {**s3.environment, **choice}).start()
    account = node.add_user("alice")
    content = b"large enough not to be remembered" * 10_000
    answers: dict[str, tuple[int, str, float]] = {}

    def ask(method: str, path: str, body: bytes = b"") -> None:
        began = time.monotonic()
        with Client(node, account) as client:
            answer = client(method, path, body)
        answers[path] = (answer.status, answer.headers["Retry-After"], time.monotonic() - began)

    ask("PUT", "/old.txt", content)
    s3.server.freeze()
    try:
        asked = [("GET", "/old.txt", b""), ("PUT", "/new.txt", b"new"), ("PROPFIND", "/", b"")]
        hands = [threading.Thread(target=ask, args=one) for one in asked]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
    finally:
        s3.server.thaw()
    assert answers["/"][0] == 207
    for path in ("/old.txt", "/new.txt"):
        status, retry, seconds = answers[path]
        assert (status, bool(retry)) == (503, True)
        assert seconds < 25
    with Client(node, account) as client:
        assert client.get("/old.txt").body == content
        assert client.get("/new.txt").status == 404
    node.stop()
