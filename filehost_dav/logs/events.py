"""Events: what the modules tell their loggers, in the same shape as the request lines."""

from __future__ import annotations

import logging

from filehost_dav.logs.lines import as_json, as_pairs, clock_time, instant, write


def begin(shape: str) -> None:
    """From now on all loggers of this process, and of those forked from it, write to standard output."""
    root = logging.getLogger()
    root.handlers = [_Handler(shape)]
    root.setLevel(logging.INFO)


class _Handler(logging.Handler):
    def __init__(self, shape: str) -> None:
        super().__init__()
        self._shape = shape

    def emit(self, record: logging.LogRecord) -> None:
        write(as_line(record, self._shape))


def as_line(record: logging.LogRecord, shape: str) -> str:
    """One line; on a terminal an error is followed by its traceback."""
    message = record.getMessage()
    trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    if shape == "terminal":
        text = "\n".join(filter(None, (message, trace)))
        return f"{clock_time(record.created)}  {text}"
    fields = {
        "time": instant(record.created),
        "level": record.levelname.lower(),
        "message": message,
        **({"trace": trace} if trace else {}),
    }
    return as_json(fields) if shape == "json" else as_pairs(fields)
