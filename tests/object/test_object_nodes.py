"""Several nodes on one tree, nodes that are killed, storage lost in part: no file is lost or torn."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.dav import Client
from harness.drives import wait_until
from harness.server import REPOSITORY, Account, Server
from testbed import seaweedfs
from testbed.bodies import Bytes, Endless
from testbed.postgres import Postgres
from testbed.processes import Missing
from testbed.seaweedfs import S3
from testbed.soundness import problems
from testbed.worker import Change, make

from filehost_dav.errors import FilehostError
from filehost_dav.paths import FilePath
from filehost_dav.state.custody import copy_records
from filehost_dav.state.database import Database, SqliteDatabase
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.boto3_blobs import Boto3Blobs
from filehost_dav.storage.object.bucket import Bucket
from filehost_dav.storage.object.cleaner import DAY, Ages
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.object.tree import ObjectTree

MIB = 1 << 20
SECONDS = float(os.environ.get("FILEHOST_TEST_SECONDS", "15"))  # of two nodes at work
ROUNDS = int(os.environ.get("FILEHOST_TEST_ROUNDS", "120"))  # of killing a node
FORGIVEN = {200, 201, 204, 206, 207, 403, 404, 405, 409, 412}


@dataclass
class Ground:
    """One installation: a database, a bucket, and what a server needs to work on them."""

    url: str
    bucket: Bucket
    environment: dict[str, str]

    @property
    def settings(self) -> dict[str, str]:
        return {
            **self.environment,
            "FILEHOST_STORAGE_KIND": "object",
            "FILEHOST_DATABASE_URL": self.url,
            "FILEHOST_OBJECT_BUCKET": self.bucket.name,
            "FILEHOST_OBJECT_ENDPOINT": str(self.bucket.endpoint),
            "FILEHOST_SERVER_WORKERS": "2",
        }

    def worker(self, kind: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "testbed.worker", kind, self.url]
        command += [str(self.bucket.endpoint), self.bucket.name]
        path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
        environment = {**os.environ, **self.environment, "PYTHONPATH": path}
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )


@pytest.fixture
def ground(s3: S3, postgres: Postgres, bucket: Bucket) -> Ground:
    url = postgres.database()
    with contextlib.closing(PostgresDatabase(url)) as database:
        migrate(database)
    return Ground(url, bucket, s3.environment)


@pytest.fixture
def rows(ground: Ground) -> Iterator[Database]:
    with contextlib.closing(PostgresDatabase(ground.url)) as database:
        yield database


def clean(database: Database, bucket: Bucket) -> None:
    """Let the cleaner do all that is due when everybody has gone home."""
    moment = itertools.count(time.time_ns() + DAY)
    storage = ObjectStorage(
        database, Boto3Blobs(bucket), ages=Ages(trash=None, stalled=0, grace=0), clock=lambda: next(moment)
    )
    storage.sweep()


@pytest.mark.s3
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_nodes_with_two_workers_each_on_one_tree(
    ground: Ground, rows: Database, s3: S3, tmp_path: Path
) -> None:
    nodes = [Server(tmp_path / f"node{number}", ground.settings).start() for number in (1, 2)]
    account = nodes[0].add_user("alice")
    seen: list[str] = []
    end = time.monotonic() + SECONDS
    hands = [
        threading.Thread(target=_work_at_random, args=(nodes[number % 2], account, number, end, seen))
        for number in range(8)
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    for node in nodes:
        node.stop()
    assert seen == []
    clean(rows, ground.bucket)
    assert problems(rows, Boto3Blobs(ground.bucket)) == {}


def _work_at_random(node: Server, account: Account, number: int, end: float, seen: list[str]) -> None:
    chance = random.Random(number)
    names = [f"/{name}.txt" for name in "abcdefgh"] + [
        f"/folder{n}/{name}.txt" for n in (1, 2) for name in "abcd"
    ]
    folders = ["/folder1", "/folder2", "/folder1/in", "/folder3"]
    with Client(node, account) as client:
        while time.monotonic() < end:
            kind = chance.choice(["put", "put", "get", "move", "copy", "delete", "mkcol", "carry", "list"])
            path, other = chance.choice(names), chance.choice(names)
            if kind == "put":
                word = b"%09d\n" % chance.randrange(10**9)
                status = client.put(path, word * chance.choice([1, 500, 30_000])).status
            elif kind == "get":
                answer = client.get(path)
                status = answer.status
                if status == 200 and answer.body != answer.body[:10] * (len(answer.body) // 10):
                    seen.append(f"a torn read of {path}")
            elif kind == "list":
                status = client.propfind(chance.choice(["/", *folders])).status
            elif kind == "carry":
                status = client.move(chance.choice(folders), chance.choice(folders)).status
            elif kind in ("move", "copy"):
                status = getattr(client, kind)(path, other).status
            else:
                status = client(kind.upper(), chance.choice(folders) if kind == "mkcol" else path).status
            if status not in FORGIVEN:
                seen.append(f"{kind} {path}: {status}")


@pytest.mark.s3
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_node_killed_at_any_instant_loses_nothing(ground: Ground, rows: Database, s3: S3) -> None:
    tree = ObjectStorage(rows, Boto3Blobs(ground.bucket)).tree("alice")
    with tempfile.TemporaryDirectory() as name:
        database = SqliteDatabase(Path(name) / "model.sqlite3")
        migrate(database)
        model = ObjectStorage(database, FolderBlobs(Path(name) / "bucket")).tree("alice")
        chance = random.Random(7)
        nursery = ground.worker("changes")
        for number in range(ROUNDS):
            ours = _sessions(rows)
            changes, last = _changes_until_killed(nursery, number, chance.expovariate(10))
            # What the node had sent before it died is still carried out, and then its sessions end.
            wait_until(lambda ours=ours: _sessions(rows) <= ours)  # type: ignore[misc]
            for change in changes:
                make(model, change)
            if facts(tree) != facts(model):  # then the change that was on its way has been made
                assert last is not None
                make(model, last)
            assert facts(tree) == facts(model), (number, last)
        nursery.communicate()
        database.close()
    clean(rows, ground.bucket)
    assert problems(rows, Boto3Blobs(ground.bucket)) == {}
    assert "Uploads" not in s3.client().list_multipart_uploads(Bucket=ground.bucket.name)
    assert rows.query("SELECT id FROM blob WHERE state <> 1") == []


def _sessions(rows: Database) -> set[int]:
    found = rows.query("SELECT pid FROM pg_stat_activity WHERE usename = current_user")
    return {pid for (pid,) in found}


def _changes_until_killed(
    nursery: subprocess.Popen[str], seed: int, seconds: float
) -> tuple[list[Change], Change | None]:
    """What a node says it has done before it is killed, and what it was doing then."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    print(seed, file=nursery.stdin, flush=True)
    _, node = json.loads(nursery.stdout.readline())
    killer = threading.Timer(seconds, os.kill, (node, signal.SIGKILL))
    killer.start()
    done: list[Change] = []
    begun: Change | None = None
    for line in nursery.stdout:
        with contextlib.suppress(json.JSONDecodeError):
            word, *rest = json.loads(line)
            if word == "dead":
                break
            if word == "begin":
                begun = tuple(rest[0])
            elif word == "done" and begun is not None:
                done.append(begun)
            begun = begun if word == "begin" else None
    return done, begun


def facts(tree: ObjectTree, folder: FilePath | None = None) -> dict[str, tuple[int, str]]:
    """Every path with size and SHA-256."""
    found: dict[str, tuple[int, str]] = {}
    for entry in tree.list(folder or FilePath.root()):
        found[str(entry.path)] = (entry.size, tree.checksums(entry.path).get("sha256", ""))
        if entry.is_folder:
            found |= facts(tree, entry.path)
    return found


@pytest.mark.s3
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_gib_goes_in_and_out_in_little_memory(ground: Ground, rows: Database) -> None:
    worker = ground.worker("large")
    output, _ = worker.communicate()
    assert worker.returncode == 0
    before, written, read = (json.loads(line) for line in output.splitlines())
    assert read[2] == 1 << 30
    assert written[1] - before[1] < 120 * MIB
    assert read[1] - before[1] < 120 * MIB


@pytest.mark.s3
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_of_three_storage_servers_is_lost_and_no_request_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        engine = seaweedfs.start(tmp_path, nodes=3)
    except Missing as missing:
        pytest.skip(str(missing))
    with contextlib.ExitStack() as stack:
        stack.callback(engine.stop)
        for name, value in engine.environment.items():
            monkeypatch.setenv(name, value)
        database = SqliteDatabase(tmp_path / "state.sqlite3")
        migrate(database)
        blobs = Boto3Blobs(Bucket(engine.bucket(), engine.endpoint))
        tree = ObjectStorage(database, blobs).tree("alice")
        for number in range(60):
            tree.write(FilePath.parse(f"/{number}.txt"), Bytes(b"%d" % number * 1000))
            if number == 30:
                engine.volumes[0].kill()
        for number in range(60):
            with tree.open(FilePath.parse(f"/{number}.txt")) as content:
                assert b"".join(content.blocks(0, content.entry.size)) == b"%d" % number * 1000
        database.close()


@pytest.mark.s3
@pytest.mark.slow
def test_an_engine_that_hangs_is_told_within_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        engine = seaweedfs.start(tmp_path)
    except Missing as missing:
        pytest.skip(str(missing))
    with contextlib.ExitStack() as stack:
        stack.callback(engine.stop)
        for name, value in engine.environment.items():
            monkeypatch.setenv(name, value)
        database = SqliteDatabase(tmp_path / "state.sqlite3")
        migrate(database)
        tree = ObjectStorage(database, Boto3Blobs(Bucket(engine.bucket(), engine.endpoint))).tree("alice")
        tree.write(FilePath.parse("/a.txt"), Bytes(b"a"))
        assert engine.server is not None
        engine.server.kill()
        began = time.monotonic()
        with pytest.raises(FilehostError):
            tree.write(FilePath.parse("/b.txt"), Bytes(b"b"))
        assert time.monotonic() - began < 60
        assert [entry.path.name for entry in tree.list(FilePath.root())] == ["a.txt"]
        database.close()


def test_records_restored_from_an_older_backup_find_all_their_contents(tmp_path: Path) -> None:
    blobs, moment = FolderBlobs(tmp_path / "bucket"), itertools.count(time.time_ns(), 1000)
    database = SqliteDatabase(tmp_path / "state.sqlite3")
    migrate(database)
    storage = ObjectStorage(database, blobs, clock=lambda: next(moment))
    tree = storage.tree("alice")
    for name in "abc":
        tree.write(FilePath.parse(f"/{name}.txt"), Bytes(name.encode() * 100))
    before = facts(tree)
    copy_records(tmp_path / "state.sqlite3", tmp_path / "backup.sqlite3")
    tree.write(FilePath.parse("/a.txt"), Endless(5000))
    tree.purge_version(FilePath.parse("/a.txt"), next(tree.versions(FilePath.parse("/a.txt"))).id)
    trashed = tree.delete(FilePath.parse("/b.txt"))
    assert trashed is not None
    tree.purge(trashed.id)
    moment = itertools.count(time.time_ns() + DAY, 1000)
    storage.sweep()
    database.close()
    restored = SqliteDatabase(tmp_path / "backup.sqlite3")
    again = ObjectStorage(restored, blobs).tree("alice")
    assert facts(again) == before
    assert "lost" not in problems(restored, blobs)
    restored.close()
