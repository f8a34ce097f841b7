"""Which process made something, and whether it still runs: so that what a killed one left can be told."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path


def own_mark() -> str:
    """A short name of this very process, unlike any earlier process with the same number."""
    return _mark(os.getpid())


def runs(mark: str) -> bool | None:
    """Whether the process of `mark` runs; None where that cannot be told from here."""
    if mark == own_mark():
        return True
    space, _, rest = mark.partition(".")
    number, _, started = rest.partition(".")
    if not started or space != _space() or not number.isdecimal():
        return None
    return _started(int(number)) == started


def boot() -> bytes:
    """Eight bytes that differ after the machine was started anew, and on another machine; zeros where it does
    not say.
    """
    return _boot()


def booted_at() -> float:
    """When the machine was started, in seconds since the epoch; 0 where it does not say."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


@cache
def _mark(process: int) -> str:
    return f"{_space()}.{process}.{_started(process)}"


@cache
def _space() -> str:
    """Where process numbers mean the same: one container of one machine, until it is started anew."""
    try:
        return f"{_boot()[:4].hex()}{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:
        return "0"


def _started(process: int) -> str:
    try:
        text = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    # The second field is the program's name in brackets and may hold anything.
    return f"{int(text.rpartition(')')[2].split()[19]):x}"


@cache
def _boot() -> bytes:
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    except OSError:
        return bytes(8)
    return bytes.fromhex(text.strip().replace("-", ""))[:8]
