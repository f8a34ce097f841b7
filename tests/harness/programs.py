"""Where a program is that tests drive."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def program(name: str) -> str | None:
    """In the system, or beside this Python, where packages put it that ship a program."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
