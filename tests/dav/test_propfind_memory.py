"""A remembered listing is never stale and never somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.inprocess import InProcess, prop

from filehost_dav.dav.propfind_listing import FIRST_PIECE, PIECE, Listing
from filehost_dav.dav.propfind_memory import PATIENCE, Listings
from filehost_dav.paths import FilePath
from filehost_dav.storage.local import LocalStorage

AGES = 20.0  # seconds
DAV = "{DAV:}"
LOCK = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
SIZES = prop(DAV + "getcontentlength", DAV + "getlastmodified", DAV + "getetag", DAV + "resourcetype")


@pytest.fixture(params=["told by the kernel", "looked at"])
def dav(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InProcess]:
    application = InProcess(tmp_path)
    if request.param == "looked at":
        application.storage = LocalStorage(tmp_path, durability="none", watch=False)
    yield application
    application.close()


def told(dav: InProcess, path: str = "/", body: str = SIZES, user: str = "ann") -> dict[str, str]:
    """What the listing says of each path: asked twice in a row, it must say the same."""
    first, second = (dav.propfind(user, path, body) for _ in range(2))
    assert first.body == second.body
    fresh = InProcess(dav.root)
    assert _by_path(fresh.propfind(user, path, body).body) == _by_path(first.body)
    fresh.close()
    return _by_path(first.body)


def _by_path(body: bytes) -> dict[str, str]:
    parts = body.decode().split("<D:response><D:href>")[1:]
    return {part.partition("</D:href>")[0]: part.partition("</D:href>")[2] for part in parts}


CHANGES: dict[str, Callable[[Path], object]] = {
    "created": lambda folder: (folder / "new.txt").write_text("n"),
    "removed": lambda folder: (folder / "b.txt").unlink(),
    "renamed": lambda folder: (folder / "b.txt").rename(folder / "c.txt"),
    "written in place": lambda folder: (folder / "b.txt").write_text("other"),
    "the same size again": lambda folder: (folder / "b.txt").write_text("B"),
    "given another time": lambda folder: os.utime(folder / "b.txt", (1, 1)),
    "a folder gets a member": lambda folder: (folder / "sub" / "x.txt").write_text("x"),
    "a folder in the place of a file": lambda folder: ((folder / "b.txt").unlink(), (folder / "b.txt").mkdir()),
    "by another process": lambda folder: subprocess.run(
        [sys.executable, "-c", f"open({str(folder / 'b.txt')!r}, 'a').write('more')"], check=True
    ),
}


@pytest.fixture
def folder(dav: InProcess) -> Path:
    folder = dav.files("ann")
    for name in ("a.txt", "b.txt", "z.txt"):
        (folder / name).write_text("b")
    (folder / "sub").mkdir()
    return folder


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_on_the_disk_shows_at_once(
    dav: InProcess, folder: Path, change: Callable[[Path], object]
) -> None:
    before = told(dav)
    change(folder)
    assert told(dav) != before


def test_hundreds_of_changes_are_each_seen(dav: InProcess, folder: Path) -> None:
    for number in range(300):
        (folder / "b.txt").write_text("x" * (number % 50 + 1))
        answer = dav.propfind("ann", "/", SIZES)
        shown = _by_path(answer.body)["/b.txt"]
        assert f"<D:getcontentlength>{number % 50 + 1}</D:getcontentlength>" in shown


def test_changes_through_the_server_show_at_once(dav: InProcess, folder: Path) -> None:
    told(dav)
    for method, path, headers, gone, there in (
        ("PUT", "/new.txt", {}, "", "/new.txt"),
        ("MOVE", "/new.txt", {"Destination": "/other.txt"}, "/new.txt", "/other.txt"),
        ("COPY", "/other.txt", {"Destination": "/copy.txt"}, "", "/copy.txt"),
        ("DELETE", "/other.txt", {}, "/other.txt", "/copy.txt"),
        ("MKCOL", "/made", {}, "", "/made/"),
    ):
        assert dav("ann", method, path, headers=headers).status in (201, 204)
        listed = told(dav)
        assert there in listed
        assert gone not in listed
    assert folder.is_dir()


def test_users_with_the_same_paths_see_their_own(dav: InProcess, folder: Path) -> None:
    (dav.files("bob") / "his.txt").write_text("x")
    for _ in range(2):
        assert "/b.txt" in told(dav)
        assert set(told(dav, user="bob")) == {"/", "/his.txt"}
    assert folder.exists()


def test_mounts_and_plans_are_kept_apart(dav: InProcess, folder: Path) -> None:
    for _ in range(2):
        assert set(_by_path(dav.propfind("ann", "/", SIZES, prefix="/dav").body)) >= {"/dav/", "/dav/b.txt"}
        assert set(_by_path(dav.propfind("ann", "/", SIZES).body)) >= {"/", "/b.txt"}
        assert b"displayname" not in dav.propfind("ann", "/", SIZES).body
        assert b"displayname" in dav.propfind("ann", "/").body
    assert folder.exists()


def test_locks_and_properties_show_at_once_and_go_at_once(dav: InProcess, folder: Path) -> None:
    plain = told(dav, body="")
    token = dav("ann", "LOCK", "/b.txt", LOCK).lock_token
    assert token in told(dav, body="")["/b.txt"]
    dav("ann", "UNLOCK", "/b.txt", headers={"Lock-Token": f"<{token}>"})
    assert told(dav, body="") == plain
    dav.proppatch("ann", "/b.txt", '<D:set><D:prop><x:a xmlns:x="urn:x">1</x:a></D:prop></D:set>')
    assert "urn:x" in told(dav, body="")["/b.txt"]
    dav.proppatch("ann", "/b.txt", '<D:remove><D:prop><x:a xmlns:x="urn:x"/></D:prop></D:remove>')
    assert told(dav, body="") == plain
    dav.proppatch("ann", "/", '<D:set><D:prop><x:a xmlns:x="urn:x">1</x:a></D:prop></D:set>')
    assert "urn:x" in told(dav, body="")["/"]
    assert folder.exists()


def test_a_property_set_by_another_process_shows_at_once(dav: InProcess, folder: Path) -> None:
    told(dav, body="")
    other = InProcess(dav.root)
    other.proppatch("ann", "/b.txt", '<D:set><D:prop><x:a xmlns:x="urn:x">1</x:a></D:prop></D:set>')
    assert b"urn:x" in dav.propfind("ann", "/").body
    other.close()
    assert folder.exists()


def test_a_folder_that_changed_places_is_not_taken_for_the_other(dav: InProcess, folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name / "inner").mkdir(parents=True)
        (folder / name / "inner" / f"{name}.txt").write_text("x")
    assert "/one/inner/one.txt" in told(dav, "/one/inner/")
    (folder / "one").rename(folder / "old")
    (folder / "two").rename(folder / "one")
    assert set(told(dav, "/one/inner/")) == {"/one/inner/", "/one/inner/two.txt"}


@pytest.mark.parametrize("moment", ["stat", "scan", "list", "generation", "usage"])
def test_a_change_while_a_listing_is_made_is_not_missed_later(
    dav: InProcess, folder: Path, moment: str
) -> None:
    home = dav.home("ann")

    class Busy:
        """A home in which somebody makes a file at one moment of a listing."""

        def __getattr__(self, name: str) -> object:
            inner = getattr(home, name)
            return self._then_change(inner) if name == moment else inner

        def _then_change(self, inner: Callable[..., object]) -> Callable[..., object]:
            def asked(*arguments: object) -> object:
                answer = inner(*arguments)
                os.utime(folder, (1, 1))
                (folder / "b.txt").write_text(f"changed at {moment}")
                return answer

            return asked

    for _ in range(2):
        dav.propfind("ann", "/", SIZES, home=Busy())  # type: ignore[arg-type]
    told(dav)


def test_who_waited_for_a_listing_sees_what_its_maker_has_passed_already(dav: InProcess) -> None:
    folder = dav.files("ann")
    for number in range(3 * PIECE):
        (folder / f"{number}.txt").touch()
    home, answers = dav.home("ann"), []

    def ask() -> None:
        (folder / "late.txt").touch()
        answers.append(dav.propfind("ann", "/", SIZES))

    asking = threading.Thread(target=ask)

    class Slow:
        """A home in which somebody makes a file and asks for the listing when another is half made."""

        def __getattr__(self, name: str) -> object:
            return getattr(home, name)

        def scan(self, path: FilePath) -> object:
            scan = home.scan(path)
            assert scan is not None
            rows = list(scan)

            class Rows:
                view = scan.view
                describe = staticmethod(scan.describe)

                def __iter__(self) -> Iterator[object]:
                    for number, row in enumerate(rows):
                        if number == 2 * PIECE:
                            asking.start()
                            asking.join(PATIENCE / 4)
                        yield row

            return Rows()

    first = dav.propfind("ann", "/", SIZES, home=Slow())  # type: ignore[arg-type]
    asking.join()
    assert "/late.txt" not in _by_path(first.body)
    assert "/late.txt" in _by_path(answers[0].body)
    told(dav)


def test_a_large_folder_is_listed_right_through_all_changes(dav: InProcess) -> None:
    folder = dav.files("ann") / "large"
    folder.mkdir()
    count = FIRST_PIECE + PIECE + 50
    for number in range(count):
        (folder / f"{number}.txt").write_text("")
    assert len(told(dav, "/large/")) == count + 1
    for number in range(0, count, 97):
        (folder / f"{number}.txt").unlink()
        (folder / f"{number}-new.txt").write_text("new")
        (folder / f"{(number + 1) % count}.txt").write_text("changed")
        assert len(told(dav, "/large/")) == count + 1
    for file in list(folder.iterdir())[:-3]:
        file.unlink()
    assert len(told(dav, "/large/")) == 4


def waiting(listings: Listings) -> threading.Thread:
    waiter = threading.Thread(target=listings.await_maker, args=("key",), daemon=True)
    waiter.start()
    return waiter


class TestBounds:
    @staticmethod
    def listing(size: int) -> Listing:
        return Listing(b"x" * size, (), None, None, None, None)  # type: ignore[arg-type]

    def test_the_memory_of_all_listings_is_bounded(self) -> None:
        listings = Listings(most_memory=1000)
        for number in range(10):
            listings.keep(number, self.listing(400))
        assert [number for number in range(10) if listings.get(number)] == [8, 9]
        listings.get(8)
        listings.keep("new", self.listing(400))
        assert listings.get(8)
        assert listings.get(9) is None
        listings.keep(8, self.listing(2000))
        assert listings.get(8) is None

    def test_one_at_a_time_collects_a_listing(self) -> None:
        listings = Listings()
        assert listings.claim("key")
        assert not listings.claim("key")
        assert listings.claim("other")
        listings.give_up("key")
        assert listings.claim("key")
        listings.keep("key", self.listing(1))
        assert listings.claim("key")

    def test_all_that_are_being_made_share_the_memory_of_those_that_are_remembered(self) -> None:
        listings = Listings(most_memory=1000)
        assert listings.claim("one")
        assert listings.claim("other")
        assert listings.grant("one", 600)
        assert not listings.grant("other", 600)
        assert listings.grant("one", 300)
        assert not listings.grant("one", 300)
        assert listings.grant("other", 900)

    def test_who_wants_what_is_being_made_waits_for_it(self) -> None:
        listings = Listings(clock=lambda: 100.0)
        assert listings.claim("key")
        waiter = waiting(listings)
        waiter.join(2 * PATIENCE)
        assert waiter.is_alive()
        listings.keep("key", self.listing(1))
        waiter.join(AGES)
        assert not waiter.is_alive()

    def test_nobody_waits_for_one_who_stands_still(self) -> None:
        listings = Listings()
        assert listings.claim("key")
        waiter = waiting(listings)
        waiter.join(AGES)
        assert not waiter.is_alive()

    def test_nobody_begins_to_wait_for_one_who_has_stood_still_before(self) -> None:
        now = [100.0]
        listings = Listings(clock=lambda: now[0])
        assert listings.claim("key")
        now[0] += 2 * PATIENCE
        listings.await_maker("key")  # for ever, by a clock that stands still

    def test_nobody_waits_for_one_who_was_refused_room(self) -> None:
        listings = Listings(most_memory=10, clock=lambda: 100.0)
        assert listings.claim("key")
        assert not listings.grant("key", 11)
        listings.await_maker("key")

    def test_nobody_waits_long_for_one_who_gets_on_slowly(self) -> None:
        now = [100.0]
        listings = Listings(clock=lambda: now[0])
        assert listings.claim("key")
        waiter = waiting(listings)
        for _ in range(100):
            now[0] += PATIENCE / 2
            assert listings.grant("key", 1)
            waiter.join(PATIENCE / 2)
            if not waiter.is_alive():
                return
        pytest.fail("it waits still")
