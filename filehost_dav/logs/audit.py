"""The audit log: who did what to which file, from where, by which password. One JSON object a line.

It holds every request that may have changed something, whatever became of it, and with `reads` what
was read too. The file is only ever appended to; when it was moved away, a new one is begun, so any
rotation will do.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Final

from filehost_dav.logs.lines import as_json, instant
from filehost_dav.logs.requests import Record

_log = logging.getLogger(__name__)
_CHANGES: Final = frozenset(
    {"PUT", "DELETE", "MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK", "UNLOCK", "POST", "PATCH"}
)
_READS: Final = frozenset({"GET", "HEAD", "PROPFIND", "REPORT", "SEARCH"})


class Audit:
    """Appends to `file`; shared by the threads of a process, and by processes without a lock."""

    def __init__(self, file: Path, *, reads: bool) -> None:
        self._file = file
        self._methods = _CHANGES | _READS if reads else _CHANGES
        self._lock = threading.Lock()
        self._open: int | None = None

    def report(self, record: Record) -> None:
        """Append the record if it belongs here. A full disk must not fail a request: it is logged."""
        if record.method not in self._methods:
            return
        line = as_audit(record).encode("utf-8", "backslashreplace") + b"\n"
        try:
            with self._lock:
                os.write(self._descriptor(), line)
        except OSError as error:
            _log.error("The audit log cannot be written: %s", error.strerror)

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                os.close(self._open)
                self._open = None

    def _descriptor(self) -> int:
        if self._open is not None and self._is_still_there(self._open):
            return self._open
        if self._open is not None:
            os.close(self._open)
            self._open = None
        self._open = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return self._open

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._file.stat())
        except FileNotFoundError:
            return False


def as_audit(record: Record) -> str:
    """`by` is "password", "browser", "proxy" (the trusted header) or an app password's name.

    `target` is where COPY and MOVE lead.
    """
    return as_json(
        {
            "time": instant(record.time),
            "user": record.user,
            "by": record.by,
            "client": record.client,
            "action": record.method,
            "path": record.path,
            **({"target": record.target} if record.target else {}),
            "status": record.status,
            "sent": record.sent,
            "received": record.received,
            "id": record.id,
        }
    )
