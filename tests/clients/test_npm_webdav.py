"""The npm package `webdav`, on which Obsidian's remotely-save and other sync plugins stand."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.server import Account, Server

pytestmark = pytest.mark.clients

SESSION = """
import { createClient } from "webdav";
const [url, username, password] = process.argv.slice(2);
const client = createClient(url, { username, password });
const said = {};
const refused = async (promise) => promise.then(() => "done", (error) => error.status);
await client.createDirectory("/vault");
await client.createDirectory("/vault/.obsidian");
said.put = await client.putFileContents("/vault/note.txt", "words ü");
said.again = await client.putFileContents("/vault/note.txt", "other", { overwrite: false });
said.exists = [await client.exists("/vault/note.txt"), await client.exists("/vault/none.txt")];
said.read = await client.getFileContents("/vault/note.txt", { format: "text" });
await client.copyFile("/vault/note.txt", "/vault/copy.txt");
await client.moveFile("/vault/copy.txt", "/vault/moved; it.txt");
said.listed = (await client.getDirectoryContents("/vault")).map((entry) => entry.basename).sort();
said.size = (await client.stat("/vault/note.txt")).size;
said.deep = await refused(client.getDirectoryContents("/", { deep: true }));
said.type = await refused(client.putFileContents("/vault/evil.sh", "#!/bin/sh"));
const stream = client.createWriteStream("/vault/stream.txt");
stream.end("streamed");
for (let tries = 0; tries < 100 && !(await client.exists("/vault/stream.txt")); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
}
said.streamed = await client.getFileContents("/vault/stream.txt", { format: "text" });
const lock = await client.lock("/vault/note.txt");
said.locked = await refused(client.putFileContents("/vault/note.txt", "without the token"));
said.kept = await refused(client.deleteFile("/vault"));
await client.unlock("/vault/note.txt", lock.token);
await client.deleteFile("/vault");
said.gone = await client.exists("/vault");
console.log(JSON.stringify(said));
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Account]]:
    server = Server(tmp_path_factory.mktemp("data")).start()
    yield server, server.add_user("alice")
    server.stop()


def test_a_session(office: tuple[Server, Account], program: Callable[[str], str], tmp_path: Path) -> None:
    server, account = office
    install = [program("npm"), "install", "--no-fund", "--no-audit", "--prefer-offline", "webdav@5"]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True, timeout=110)
    (tmp_path / "session.mjs").write_text(SESSION)
    done = subprocess.run(
        [program("node"), "session.mjs", server.url, account.name, account.password],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "put": True,
        "again": False,
        "exists": [True, False],
        "read": "words ü",
        "listed": [".obsidian", "moved; it.txt", "note.txt"],
        "size": 8,
        "deep": 403,
        "type": 403,
        "streamed": "streamed",
        "locked": 423,
        "kept": 423,
        "gone": False,
    }
