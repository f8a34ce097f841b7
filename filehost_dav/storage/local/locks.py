"""Waiting for a file to oneself, among all threads of all processes."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def hold(file: int) -> None:
        """Wait until no other descriptor holds `file`; held until this one is closed."""
        while True:
            try:
                os.lseek(file, 1 << 30, os.SEEK_SET)
                msvcrt.locking(file, msvcrt.LK_LOCK, 1)
            except OSError:  # gives up by itself after ten seconds
                continue
            return

else:
    import fcntl

    def hold(file: int) -> None:
        """Wait until no other descriptor holds `file`; held until this one is closed."""
        fcntl.flock(file, fcntl.LOCK_EX)
