"""What a request asks of a database on another machine, all in its first round trip."""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

import pytest
from testbed.bodies import Bytes
from testbed.postgres import Postgres

from filehost_dav.app import foreseeing
from filehost_dav.errors import Unavailable
from filehost_dav.paths import FilePath
from filehost_dav.policy.roles import Policy
from filehost_dav.state.locks import LockStore
from filehost_dav.state.postgres import PostgresDatabase
from filehost_dav.state.schema import migrate
from filehost_dav.storage.home import Home
from filehost_dav.storage.object import ObjectStorage
from filehost_dav.storage.object.folder_blobs import FolderBlobs
from filehost_dav.storage.tree import Condition

pytestmark = pytest.mark.postgres
PATH = FilePath.parse("/a b.txt")


class Scene:
    """A database that answers one question, and then no more until it is told to."""

    def __init__(self, postgres: Postgres, blobs: FolderBlobs) -> None:
        assert postgres.server is not None
        self.engine = postgres.server
        self.database = PostgresDatabase(postgres.database())
        migrate(self.database)
        self.storage = ObjectStorage(self.database, blobs)
        self.tree = self.storage.tree("alice")
        for _ in range(2):  # with the second, the name of a third blob is drawn in advance
            self.tree.write(PATH, Bytes(b"content"))

    def request(
        self, method: str, work: Callable[[], object], *, name: str = "alice", path: FilePath = PATH
    ) -> None:
        """Do `work` as such a request does after its sign-in, without another answer of the engine."""

        def application(_environ: object, _start: object) -> Iterable[bytes]:
            self.database.query("SELECT 1")
            self.engine.freeze()
            try:
                work()
            finally:
                self.engine.thaw()
            return ()

        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": str(path),
            "HTTP_DEPTH": "0" if path == PATH else "1",
            "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{name}:secret".encode()).decode(),
        }
        foreseeing(application, self.database, self.storage)(environ, lambda *_: lambda _: None)


@pytest.fixture
def scene(postgres: Postgres, folder_blobs: FolderBlobs) -> Iterator[Scene]:
    if postgres.server is None:
        pytest.skip("somebody else's engine is not to be frozen")
    made = Scene(postgres, folder_blobs)
    yield made
    made.database.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "MOVE"])
def test_a_file_is_found_with_the_sign_in(scene: Scene, method: str) -> None:
    scene.request(method, lambda: scene.tree.stat(PATH))


def test_whether_a_listing_still_holds_is_known_with_the_sign_in(scene: Scene) -> None:
    folder = FilePath.parse("/folder")
    scene.tree.make_folder(folder)
    home = Home(scene.tree, Policy())
    known: list[Hashable | None] = []
    scene.request("PROPFIND", lambda: known.append(home.generation(folder)), path=folder)
    assert known == [home.generation(folder)] != [None]


def test_an_upload_is_let_in_with_the_sign_in(scene: Scene) -> None:
    locks = LockStore(scene.database)
    allowed = Condition(holds=lambda _: locks.covering("alice", PATH) and None, asks=(locks.question("alice"),))

    class Body(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            scene.engine.thaw()
            return super().readinto(buffer)

    scene.request("PUT", lambda: scene.tree.write(PATH, Body(b"newer"), when=allowed))
    with scene.tree.open(PATH) as content:
        assert content.entry.size == len(b"newer")


@pytest.mark.slow
def test_another_name_foresees_nothing_of_this_users_files(scene: Scene) -> None:
    with pytest.raises(Unavailable):
        scene.request("GET", lambda: scene.tree.stat(PATH), name="bob")
