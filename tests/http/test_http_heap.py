"""What nobody needs any more goes back: memory of the C library, and clients who have gone, at once."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from harness.raw import Raw, demo, ours, request, trusting

from filehost_dav.http.connection import Connection
from filehost_dav.http.tls import Certificate

_RESIDENT = """
from pathlib import Path
from filehost_dav.http import memory

def resident():
    line = next(l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("VmRSS"))
    return int(line.split()[1]) // 1024
"""
_HOLES = """
before = resident()
pieces = [bytes(60_000) for _ in range(1000)]
kept, pieces = pieces[::100], None
held = resident() - before
memory.give_back()
print(held - (resident() - before))
"""
_FORKED = """
import gc, os, re
things = [[number] for number in range(300_000)]
memory.keep_shared()
if not os.fork():
    gc.collect()
    told = Path("/proc/self/smaps_rollup").read_text()
    print(int(re.search(r"Private_Dirty: +([0-9]+)", told)[1]) // 1024, flush=True)
    os._exit(0)
os.wait()
"""


def measured(program: str) -> int:
    """MiB that the program prints."""
    done = subprocess.run(
        [sys.executable, "-c", _RESIDENT + program], capture_output=True, text=True, check=True, timeout=30
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is glibc on Linux alone")
def test_free_memory_between_what_is_used_goes_back() -> None:
    assert measured(_HOLES) > 20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_the_parent_made_is_not_copied_by_a_collection_in_a_worker() -> None:
    assert measured(_FORKED) < 8


@pytest.mark.parametrize("over_tls", [False, True])
def test_clients_who_have_gone_leave_nothing_to_the_garbage_collector(
    certificate: Certificate, over_tls: bool
) -> None:
    tls, trust = (certificate, trusting()) if over_tls else (None, None)
    gc.collect()
    gc.disable()
    try:
        with ours(demo, tls=tls) as port:
            for _ in range(20):
                with Raw(port, tls=trust) as client:
                    assert client.ask(request()).status == 200
            left = sum(isinstance(one, Connection) for one in gc.get_objects())
    finally:
        gc.enable()
    assert left < 5  # the last of them may not have been closed yet
