"""What is counted of requests, and how it is told: OpenMetrics text."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import product
from typing import Final

from filehost_dav.logs.requests import Record
from filehost_dav.metrics.counters import Counters

METHODS: Final = (
    "GET", "HEAD", "OPTIONS", "PROPFIND", "PROPPATCH", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "LOCK",
    "UNLOCK", "POST", "REPORT", "other",
)  # fmt: skip
STATUSES: Final = (
    0, 200, 201, 204, 206, 207, 303, 304, 400, 401, 403, 404, 405, 409, 411, 412, 413, 415, 416, 417, 422,
    423, 424, 429, 431, 499, 500, 501, 502, 503, 507,
)  # fmt: skip
BOUNDS: Final = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)  # seconds
_ACTIVE: Final = "active"


def request_counters() -> Counters:
    """Zero of everything; made before the workers are."""
    keys: list[Hashable] = ["sent", "received", "workers"]
    keys += product(METHODS, (*STATUSES, "other"))
    keys += product(METHODS, ("under",), (*BOUNDS, "any"))
    keys += product(METHODS, ("microseconds",))
    return Counters(keys, gauges=[_ACTIVE])


class RequestCounts:
    """Counts the requests of this process."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        counters.join()
        counters.add(("workers", 1))

    def begun(self) -> None:
        self._counters.add((_ACTIVE, 1))

    def done(self, record: Record) -> None:
        method = record.method if record.method in METHODS else "other"
        status = record.status if record.status in STATUSES else "other"
        bound = next((bound for bound in BOUNDS if record.ms <= bound * 1000), "any")
        self._counters.add(
            (_ACTIVE, -1),
            ((method, status), 1),
            ((method, "under", bound), 1),
            ((method, "microseconds"), int(record.ms * 1000)),
            ("sent", record.sent),
            ("received", max(record.received, 0)),
        )


def as_open_metrics(counters: Counters, gauges: dict[str, tuple[str, float]]) -> str:
    """The numbers as text; `gauges` are more of them, by name, each with its help."""
    total = counters.total()
    return "".join(f"{line}\n" for line in (*_requests(total), *_others(total, gauges), "# EOF"))


def _requests(total: Callable[[Hashable], int]) -> Iterator[str]:
    yield "# TYPE filehost_requests counter"
    yield "# HELP filehost_requests Requests answered; status 0 is a connection that broke before."
    for method, status in product(METHODS, (*STATUSES, "other")):
        if count := total((method, status)):
            yield f'filehost_requests_total{{method="{method}",status="{status}"}} {count}'
    yield "# TYPE filehost_request_seconds histogram"
    yield "# UNIT filehost_request_seconds seconds"
    yield "# HELP filehost_request_seconds From the head of a request to the end of its answer."
    for method in METHODS:
        yield from _histogram(total, method)


def _histogram(total: Callable[[Hashable], int], method: str) -> Iterator[str]:
    count = 0
    lines = []
    for bound in (*BOUNDS, "any"):
        count += total((method, "under", bound))
        most = "+Inf" if bound == "any" else bound
        lines.append(f'filehost_request_seconds_bucket{{method="{method}",le="{most}"}} {count}')
    if count:
        yield from lines
        seconds = total((method, "microseconds")) / 1e6
        yield f'filehost_request_seconds_sum{{method="{method}"}} {seconds}'
        yield f'filehost_request_seconds_count{{method="{method}"}} {count}'


def _others(total: Callable[[Hashable], int], gauges: dict[str, tuple[str, float]]) -> Iterator[str]:
    for name, key, about in (
        ("sent_bytes", "sent", "Bytes of answers."),
        ("received_bytes", "received", "Bytes announced for uploads."),
        (
            "workers_started",
            "workers",
            "Worker processes started; more than there are workers tells of crashes.",
        ),
    ):
        yield f"# TYPE filehost_{name} counter"
        yield f"# HELP filehost_{name} {about}"
        yield f"filehost_{name}_total {total(key)}"
    for name, (about, value) in {
        "active_requests": ("Requests in progress.", total(_ACTIVE)),
        **gauges,
    }.items():
        yield f"# TYPE filehost_{name} gauge"
        yield f"# HELP filehost_{name} {about}"
        yield f"filehost_{name} {value}"
