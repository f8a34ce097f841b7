"""What uploads may hold in memory, all together."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from harness.server import REPOSITORY
from testbed.seaweedfs import S3

from filehost_dav.errors import Unavailable
from filehost_dav.storage.object.room import Pace, Room

MIB = 1 << 20
SIZE = os.environ.get("FILEHOST_TEST_UPLOAD", "40")  # MiB of each of eight


class Counting:
    """A sink that counts how often somebody waits for it."""

    def __init__(self) -> None:
        self.settled = 0

    def write(self, data: memoryview, /) -> object:
        return len(data)

    def settle(self) -> None:
        self.settled += 1


def test_who_finds_no_room_waits_until_another_is_done() -> None:
    room, entered = Room(10), threading.Event()
    with room.share(8):

        def wait() -> None:
            with room.share(8):
                entered.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.1)
    waiting.join(10)
    assert entered.is_set()


def test_who_waits_too_long_is_told_to_come_later() -> None:
    room = Room(10, patience=0)
    with room.share(8), pytest.raises(Unavailable) as refused, room.share(8):
        pass
    assert refused.value.retry_after
    with room.share(100):  # one that needs more than there is gets all of it
        pass


def test_all_room_comes_back_whatever_happened() -> None:
    room = Room(10, patience=0)

    def fail() -> None:
        with room.share(4) as share:
            assert share.has_more(6)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with room.share(10):
        pass


def test_parts_follow_each_other_at_once_only_where_there_is_room() -> None:
    room = Room(50, patience=0)
    with room.share(10) as one, room.share(10) as other:
        first, second = Counting(), Counting()
        paces = Pace(one, first, 10), Pace(other, second, 10)
        for _ in range(10):
            for pace in paces:
                pace.wrote(10)
        assert (first.settled, second.settled) == (0, 10)


@pytest.mark.s3
@pytest.mark.slow
def test_eight_large_uploads_stay_within_their_memory(s3: S3, tmp_path: Path) -> None:
    """Each would take three parts of 8 MiB, so that together they grow by more than this allows."""
    within = growth(s3, tmp_path / "within", room=32)
    beyond = growth(s3, tmp_path / "beyond", room=3200)
    assert within < 64 < beyond, "MiB"


def growth(s3: S3, home: Path, *, room: int) -> int:
    """What eight uploads at the same time add to a process, in MiB."""
    command = [sys.executable, "-m", "testbed.crowd", str(home), s3.endpoint, s3.bucket(), str(room), SIZE]
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    environment = {**os.environ, **s3.environment, "PYTHONPATH": path}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    print(f"{ended.stdout} MiB with a room of {room} MiB")
    return int(ended.stdout)
