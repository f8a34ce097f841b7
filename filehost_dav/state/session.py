"""Session: one connection to PostgreSQL, on which several statements take one round trip.

psycopg opens the connection and translates what comes back. The statements themselves go by libpq's
pipeline, which it wraps too: a cursor takes more of this process's time than the engine needs for the
small statements that are sent here.
"""

from __future__ import annotations

import itertools
import select
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import ConnectionTimeout, error_from_result

from filehost_dav.state.database import Row, Statement
from filehost_dav.state.pulse import SILENCE, Pulse

_PREPARED: Final = 250  # statements that the engine keeps for a connection; others it plans each time
_LIST: Final = 40  # parameters: a statement with more has a list of its own length, and hardly comes twice
_AT_ONCE: Final = 100  # statements on their way: their answers must fit into the socket's buffers
_FAILED: Final = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED)
_INTEGER, _LONG, _FLOAT, _BYTES, _UNKNOWN = 23, 20, 701, 17, 0  # the engine's numbers of its types (pg_type)


class Outcome(NamedTuple):
    """What a statement gave: its rows, and how many rows it gave or changed."""

    rows: list[Row]
    changed: int


class Session:
    """One connection, for one thread at a time. Every method raises psycopg.Error."""

    def __init__(self, url: str, options: str, pulse: Pulse | None) -> None:
        """Without a `pulse` it waits for ever for an engine that is silent."""
        self._connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=5,
            options=options,
            application_name="filehost-dav",
            keepalives_idle=30,
            tcp_user_timeout=20000,
        )
        self._wire = self._connection.pgconn
        self._wire.enter_pipeline_mode()
        self._values = Transformer(self._connection)
        self._pulse = pulse
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._names = itertools.count()

    @property
    def is_idle(self) -> bool:
        """Whether it can be used again: connected, and in no transaction."""
        return self._wire.transaction_status == pq.TransactionStatus.IDLE

    @property
    def is_closed(self) -> bool:
        return self._wire.status != pq.ConnStatus.OK

    def close(self) -> None:
        self._connection.close()

    def run(self, statements: Sequence[Statement]) -> list[Outcome]:
        """Send all, then wait for all. After one that fails the others do not run; its error is raised."""
        outcomes: list[Outcome] = []
        try:
            for start in range(0, len(statements), _AT_ONCE):
                outcomes += self._run(statements[start : start + _AT_ONCE])
        except psycopg.OperationalError:
            if self.is_closed:
                self.close()
            raise
        return outcomes

    def _run(self, statements: Sequence[Statement]) -> list[Outcome]:
        wanted = list(itertools.chain.from_iterable(map(self._send, statements)))
        self._wire.pipeline_sync()
        outcomes: list[Outcome] = []
        failed: pq.abc.PGresult | None = None
        for is_wanted in wanted:
            result = self._result()
            self._wire.get_result()  # the end of this statement's results
            if result.status in _FAILED:
                failed = failed or result
            elif is_wanted:
                outcomes.append(self._outcome(result))
        self._result()  # the end of all
        if failed is not None:
            self._prepared.clear()  # what was to be prepared after it is not
            raise error_from_result(failed)
        return outcomes

    def _send(self, statement: Statement) -> list[bool]:
        """Send one; whether each result that will come is the statement's."""
        sql, parameters = statement
        values, types = zip(*map(_as_sent, parameters), strict=True) if parameters else ((), ())
        name = self._prepared.get((sql, types))
        if name is not None:
            self._wire.send_query_prepared(name, values)
            return [True]
        text = _numbered(sql)
        if len(self._prepared) >= _PREPARED or not 0 < len(parameters) <= _LIST:
            self._wire.send_query_params(text, values, types)
            return [True]
        name = self._prepared[sql, types] = b"s%d" % next(self._names)
        self._wire.send_prepare(name, text, types)
        self._wire.send_query_prepared(name, values)
        return [False, True]

    def _result(self) -> pq.abc.PGresult:
        wire = self._wire
        while wire.is_busy():
            self._wait()
            wire.consume_input()
        result = wire.get_result()
        if result is None or self.is_closed:
            raise psycopg.OperationalError("the connection is lost")
        return result

    def _wait(self) -> None:
        # libpq would wait for ever for an engine that is frozen: its machine still answers the keepalives.
        while not _is_readable(self._wire.socket, None if self._pulse is None else SILENCE):
            if self._pulse is not None and not self._pulse.beats():
                self.close()
                raise ConnectionTimeout("the engine is silent")

    def _outcome(self, result: pq.abc.PGresult) -> Outcome:
        if not result.ntuples:
            return Outcome([], result.command_tuples or 0)
        self._values.set_pgresult(result)
        rows: list[Row] = self._values.load_rows(0, result.ntuples, tuple)
        return Outcome(rows, result.ntuples)


def _is_readable(descriptor: int, seconds: float | None) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], seconds)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def _as_sent(value: Any) -> tuple[bytes | None, int]:
    """A parameter as text, and its type. Truth is a number in the tables, as SQLite has it."""
    if value is None:
        return None, _UNKNOWN
    if isinstance(value, str):
        if "\0" in value:
            raise psycopg.DataError("Text cannot hold a zero byte")
        return value.encode(), _UNKNOWN
    if isinstance(value, int):
        # The shorter where it does: the engine lengthens by itself, and some functions take no longer one.
        return b"%d" % value, _INTEGER if -(1 << 31) <= value < 1 << 31 else _LONG
    if isinstance(value, float):
        return repr(value).encode(), _FLOAT
    return b"\\x" + value.hex().encode(), _BYTES


@lru_cache(maxsize=1024)
def _numbered(sql: str) -> bytes:
    """The statement with `$1`, `$2` and so on for its parameters."""
    first, *others = sql.split("?")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))).encode()
