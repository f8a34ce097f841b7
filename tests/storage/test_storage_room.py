"""What every Tree promises about room: the quota holds, exactly, and only kept things give way to it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from harness.trees import Bytes, at, names, put, read

from filehost_dav.errors import QuotaExceeded
from filehost_dav.paths import Area
from filehost_dav.storage.tree import Metadata, Storage, Tree

KIB = 1024


@pytest.fixture
def small(make_storage: Callable[..., Storage]) -> Tree:
    """A tree with room for 1 MiB."""
    return make_storage(quota=KIB * KIB).tree("alice")


def test_usage_is_what_the_files_take_and_tells_the_limit(small: Tree) -> None:
    assert small.usage() == (0, KIB * KIB, KIB * KIB)
    put(small, "/a.pdf", bytes(100))
    small.make_folder(at("/folder"))
    put(small, "/folder/b.pdf", bytes(50))
    small.write(at("/x", Area.STAGING), Bytes(bytes(7)))
    assert small.usage() == (157, KIB * KIB, KIB * KIB - 157)
    small.copy(at("/folder"), at("/copy"))
    assert small.usage().used == 207
    small.move(at("/copy"), at("/folder/moved"))
    assert small.usage().used == 207
    small.delete(at("/folder"))
    assert small.usage().used == 107


def test_without_a_quota_there_is_no_limit(tree: Tree) -> None:
    put(tree, "/a.pdf", bytes(100))
    used, limit, available = tree.usage()
    assert (used, limit) == (100, None)
    assert available > 0


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_what_does_not_fit_is_refused_and_changes_nothing(small: Tree, announced: bool) -> None:
    put(small, "/a.pdf", bytes(600 * KIB))
    with pytest.raises(QuotaExceeded):
        small.write(at("/b.pdf"), Bytes(bytes(600 * KIB), -1 if announced else None))
    with pytest.raises(QuotaExceeded):
        small.copy(at("/a.pdf"), at("/b.pdf"))
    assert names(small) == {"a.pdf"}
    assert small.usage().used == 600 * KIB
    put(small, "/c.pdf", bytes(424 * KIB))
    assert small.usage().available == 0
    with pytest.raises(QuotaExceeded):
        put(small, "/d.pdf", b"x")


def test_an_announced_length_is_refused_before_the_body_is_read(small: Tree) -> None:
    class Unread(Bytes):
        def readinto(self, _buffer: memoryview, /) -> int:
            raise AssertionError("The body was read")

    with pytest.raises(QuotaExceeded):
        small.write(at("/a.pdf"), Unread(b"", 2 * KIB * KIB))
    with pytest.raises(QuotaExceeded):
        small.write(at("/a.pdf"), Unread(b"", None), metadata=Metadata(expected=2 * KIB * KIB))


def test_trash_and_versions_give_way_and_files_do_not(small: Tree) -> None:
    put(small, "/old.pdf", bytes(400 * KIB))
    small.delete(at("/old.pdf"))
    put(small, "/x.pdf", bytes(300 * KIB))
    put(small, "/x.pdf", bytes(200 * KIB))
    assert len(list(small.trash())) == 1
    assert len(list(small.versions(at("/x.pdf")))) == 1
    put(small, "/y.pdf", bytes(300 * KIB))  # the trash is the oldest
    assert list(small.trash()) == []
    assert len(list(small.versions(at("/x.pdf")))) == 1
    put(small, "/z.pdf", bytes(500 * KIB))
    assert list(small.versions(at("/x.pdf"))) == []
    assert names(small) == {"x.pdf", "y.pdf", "z.pdf"}
    assert small.usage().used == 1000 * KIB


def test_deleting_a_folder_makes_room_at_once(small: Tree) -> None:
    small.make_folder(at("/a"))
    for number in range(10):
        put(small, f"/a/{number}.pdf", bytes(100 * KIB))
    small.delete(at("/a"))
    assert small.usage().available == KIB * KIB
    put(small, "/b.pdf", bytes(900 * KIB))


def test_a_file_can_be_replaced_by_one_of_its_size_in_a_full_place(small: Tree) -> None:
    put(small, "/a.pdf", bytes(KIB * KIB))
    put(small, "/a.pdf", b"x" * (KIB * KIB))
    assert read(small, "/a.pdf")[:1] == b"x"
    assert small.usage().used == KIB * KIB


def test_parallel_uploads_do_not_overshoot_together(small: Tree) -> None:
    stored: list[str] = []
    together = threading.Barrier(8)

    class Slow(Bytes):
        def readinto(self, buffer: memoryview, /) -> int:
            return super().readinto(buffer[:10_000])

    def upload(number: int) -> None:
        together.wait()
        try:
            small.write(at(f"/{number}.pdf"), Slow(bytes(300 * KIB), None if number % 2 else -1))
        except QuotaExceeded:
            return
        stored.append(f"{number}.pdf")

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(stored) <= 3
    assert names(small) == set(stored)
    assert small.usage().used == len(stored) * 300 * KIB
    for path in stored:
        small.delete(at("/" + path))
    put(small, "/whole.pdf", bytes(KIB * KIB))  # nothing stays reserved
