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
DIED: Final = "died"
_HASH_WAITS: Final = ("hash waits", "hash microseconds")


def request_counters() -> Counters:
    """Zero of everything; made before the workers are."""
    keys: list[Hashable] = ["sent", "received", "workers", DIED, *_HASH_WAITS]
    keys += product(METHODS, (*STATUSES, "other"))
    keys += product(METHODS, ("under",), (*BOUNDS, "any"))
    keys += product(METHODS, ("microseconds",))
    return Counters(keys, gauges=[*product(METHODS, (_ACTIVE,))])


class RequestCounts:
    """Counts the requests of this process."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        counters.join()
        counters.add(("workers", 1))

    def begun(self, method: str) -> None:
        self._counters.add(((_known(method), _ACTIVE), 1))

    def hash_waited(self, seconds: float) -> None:
        """A sign-in has waited for its turn to compute a hash."""
        self._counters.add((_HASH_WAITS[0], 1), (_HASH_WAITS[1], int(seconds * 1e6)))

    def done(self, record: Record) -> None:
        method = _known(record.method)
        status = record.status if record.status in STATUSES else "other"
        bound = next((bound for bound in BOUNDS if record.ms <= bound * 1000), "any")
        self._counters.add(
            ((method, _ACTIVE), -1),
            ((method, status), 1),
            ((method, "under", bound), 1),
            ((method, "microseconds"), int(record.ms * 1000)),
            ("sent", record.sent),
            ("received", max(record.received, 0)),
        )


def _known(method: str) -> str:
    return method if method in METHODS else "other"


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
        ("received_bytes", "received", "Bytes of uploads."),
        (
            "workers_started",
            "workers",
            "Worker processes started.",
        ),
        ("workers_died", DIED, "Worker processes that ended without being asked to."),
        ("hash_waits", _HASH_WAITS[0], "Sign-ins that waited for their turn to compute a hash."),
    ):
        yield f"# TYPE filehost_{name} counter"
        yield f"# HELP filehost_{name} {about}"
        yield f"filehost_{name}_total {total(key)}"
    yield "# TYPE filehost_hash_wait_seconds counter"
    yield "# UNIT filehost_hash_wait_seconds seconds"
    yield "# HELP filehost_hash_wait_seconds What they waited together."
    yield f"filehost_hash_wait_seconds_total {total(_HASH_WAITS[1]) / 1e6}"
    yield "# TYPE filehost_active_requests gauge"
    yield "# HELP filehost_active_requests Requests in progress; those of PUT and GET are transfers."
    for method in METHODS:
        yield f'filehost_active_requests{{method="{method}"}} {total((method, _ACTIVE))}'
    for name, (about, value) in gauges.items():
        yield f"# TYPE filehost_{name} gauge"
        yield f"# HELP filehost_{name} {about}"
        yield f"filehost_{name} {value}"
