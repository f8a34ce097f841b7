"""Memory of a server's whole process tree, shared pages counted once (PSS, from Linux's smaps_rollup)."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path


def resident(pid: int) -> int:
    """Bytes. Raises OSError where the kernel does not tell."""
    return sum(proportional(Path(f"/proc/{process}/smaps_rollup").read_text()) for process in _tree(pid))


def proportional(told: str) -> int:
    """Bytes of one process, of a shared page its part, as the kernel tells them."""
    match = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _tree(pid: int) -> list[int]:
    found = [pid]
    for process in found:
        for task in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
                found += [int(child) for child in (task / "children").read_text().split()]
    return found
