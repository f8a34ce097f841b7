"""Database: the server's records in one SQLite file, shared by all its processes.

Statements are portable SQL with `?` for parameters, so that another engine can keep the same
records. Connections are pooled per process and opened after the fork; a write transaction takes
the write lock at its start, so that what it read stays true until it commits.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from filehost_dav.errors import Full, Unavailable

Row = tuple[Any, ...]
_BUSY = 10.0  # seconds to wait for another process's transaction before giving up
_PAUSE = 0.0005  # seconds between two looks whether that transaction has ended
_INDEX_HEAD = 96  # bytes: two copies of the WAL index header
_POOLED = 8  # connections kept open per process
EVERYONE = "everyone"  # the subject of a transaction that names none


class Statement(NamedTuple):
    """One statement, with `?` for its parameters."""

    sql: str
    parameters: Sequence[Any] = ()


class Done(Protocol):
    """A statement that has been, or will be, executed."""

    @property
    def changed(self) -> int:
        """The number of rows changed. Waits for the statement."""


class Transaction(Protocol):
    """Statements that take effect together."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]: ...

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """The number of rows changed."""

    def later(self, sql: str, parameters: Sequence[Any] = ()) -> Done:
        """As `execute`, but where each round trip costs, it goes together with what follows it."""

    def foresee(self, questions: Sequence[Statement]) -> None:
        """Put all these questions at once, where each round trip costs; `query` knows their answers then, until
        this transaction changes something.
        """

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...


class Database(Protocol):
    """The records' engine. Raises Unavailable when it does not answer in time."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """One reading statement, outside any transaction."""

    def foreseen(self, questions: Sequence[Statement]) -> AbstractContextManager[None]:
        """Put all these questions at once, where each round trip costs; in the block this thread's `query`
        knows their answers, each of them once.
        """

    def alongside(self, questions: Iterable[Statement]) -> AbstractContextManager[None]:
        """In the block these go along with the first question of this thread, where each round trip costs;
        from then on its `query` knows their answers, each of them once, until it begins a transaction.
        """

    def transaction(self, subject: str = EVERYONE) -> AbstractContextManager[Transaction]:
        """Statements that commit together at the end, or are rolled back on an error.

        Transactions that name the same subject (a user, for what belongs to that user) run one after
        the other on all nodes: what one has read stays true until it commits. Those of different
        subjects may run at the same time where the engine can.
        """

    def note(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """One changing statement on its own; the number of rows changed.

        It does not wait for the disk: a power failure may undo it, and only it.
        """

    def generation(self) -> int | None:
        """A number that changes whenever any process has committed a change; None if the engine cannot
        tell cheaply, in which case nothing read from it may be remembered.
        """

    def patient(self) -> Database:
        """The same records, for work that may take long: no statement is ended because of its time.

        It is closed with this one.
        """

    def close(self) -> None: ...


class SqliteDatabase:
    """Database in one SQLite file (write-ahead log)."""

    def __init__(self, file: Path, *, lasting: bool = False) -> None:
        """What was committed survives a crash of the process; with `lasting`, one of the machine too."""
        self._file = file
        self._flush = _Flush(Path(f"{file}-wal")) if lasting and hasattr(os, "fdatasync") else None
        self._synchronous = "FULL" if lasting and self._flush is None else "NORMAL"
        self._lock = threading.Lock()
        self._watch_lock = threading.Lock()
        self._writing = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._watch: _Watch | None = None
        self._inherited: list[object] = []
        self._process = os.getpid()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with self._connection() as connection:
            return _insist(connection, sql, parameters).fetchall()

    def foreseen(self, questions: Sequence[Statement]) -> AbstractContextManager[None]:
        return nullcontext()

    def alongside(self, questions: Iterable[Statement]) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def transaction(self, subject: str = EVERYONE) -> Iterator[Transaction]:
        with self._turn(), self._connection() as connection:
            _insist(connection, "BEGIN IMMEDIATE")
            begun = self.generation() if self._flush else None
            try:
                yield _SqliteTransaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            number = self._flush.wrote() if self._flush and self.generation() != begun else 0
        if self._flush and number:  # one that changed nothing has nothing to wait for
            self._flush.wait_for(number)

    def note(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with self._turn(), self._connection() as connection:
            return _insist(connection, sql, parameters).rowcount

    def generation(self) -> int | None:
        self._check_process()
        watch = self._watch
        if watch is None:
            with self._watch_lock:
                watch = self._watch = self._watch or _Watch(self._open(), self._file)
        return watch.generation()

    def patient(self) -> Database:
        return self

    def close(self) -> None:
        with self._lock:
            for connection in self._idle:
                connection.close()
            if self._watch is not None:
                self._watch.close()
            self._forget()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # SQLite lets one writer in at a time and makes the others poll; threads of one process queue here.
        self._check_process()
        turn = self._writing
        if not turn.acquire(timeout=_BUSY):
            raise Unavailable("The server is busy, try again in a moment", retry_after=2)
        try:
            yield
        finally:
            turn.release()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._check_process()
        idle = self._idle
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._open()
        try:
            yield connection
        except sqlite3.OperationalError as error:
            raise _translated(error) from error
        finally:
            if idle is self._idle and len(idle) < _POOLED:
                idle.append(connection)
            else:
                connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._file, timeout=_BUSY, isolation_level=None, check_same_thread=False
            )
        except sqlite3.DatabaseError as error:
            raise _unopened(error) from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA busy_timeout = 0")  # from here on `_insist` waits
        except sqlite3.DatabaseError as error:
            connection.close()
            raise _unopened(error) from error
        return connection

    def _check_process(self) -> None:
        # A SQLite connection must never be carried across a fork.
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    # Kept, never used or closed: closing would drop the parent's file locks.
                    self._inherited.append((self._idle, self._watch))
                    self._forget()

    def _forget(self) -> None:
        self._idle = []
        self._watch = None
        self._watch_lock = threading.Lock()
        self._writing = threading.Lock()
        self._flush = self._flush and _Flush(self._flush.log)
        self._process = os.getpid()


class _Done(NamedTuple):
    changed: int


class _SqliteTransaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def later(self, sql: str, parameters: Sequence[Any] = ()) -> Done:
        return _Done(self.execute(sql, parameters))

    def foresee(self, questions: Sequence[Statement]) -> None:
        """A statement is a call here, and nothing is gained by asking before it is needed."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)


class _Flush:
    """Brings what was committed to the disk, after its writer has let the next one go on: one call is enough
    for all that was written before it began.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._lock = threading.Lock()
        self._written = 0
        self._flushed = 0

    def wrote(self) -> int:
        """One more commit is in the log: its number. For one thread at a time."""
        self._written += 1
        return self._written

    def wait_for(self, number: int) -> None:
        """Until that commit is on the disk. Raises Unavailable."""
        with self._lock:
            if self._flushed >= number:
                return
            written = self._written
            try:
                # Whenever the log is begun anew, SQLite has brought the database itself to the disk before.
                log = os.open(self.log, os.O_RDONLY)
                try:
                    os.fdatasync(log)
                finally:
                    os.close(log)
            except OSError as error:
                raise Unavailable("The server's records cannot be written") from error
            self._flushed = written


class _Watch:
    """Tells when anybody has committed. Every request asks several times.

    The head of the shared WAL index (sqlite.org/walformat.html, 2.1) changes with every commit; reading it
    takes a fortieth of a query. Where there is no such index, SQLite is asked.
    """

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._index = self._map(Path(f"{file}-shm"))

    def generation(self) -> int:
        if self._index is not None:
            return int.from_bytes(self._index[:_INDEX_HEAD], "little")
        with self._lock:
            (number,) = self._connection.execute("PRAGMA data_version").fetchone()
            return int(number)

    def close(self) -> None:
        """Only when no other connection of this process is open."""
        self._connection.close()
        if self._index is not None:
            self._index.close()
            os.close(self._descriptor)

    def _map(self, index: Path) -> mmap.mmap | None:
        self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        try:
            # Stays open with the map: closing any descriptor of this file would end all of this
            # process's locks on it, SQLite's among them (fcntl(2)).
            self._descriptor = os.open(index, os.O_RDONLY)
            return mmap.mmap(self._descriptor, _INDEX_HEAD, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            return None


def _insist(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
    """Execute what may have to wait for another process. SQLite itself would look less and less often."""
    end = time.monotonic() + _BUSY
    while True:
        try:
            return connection.execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(_PAUSE)


def _translated(error: sqlite3.OperationalError) -> Exception:
    if "locked" in str(error) or "busy" in str(error):
        return Unavailable("The server is busy, try again in a moment", retry_after=2)
    if "full" in str(error):
        return Full("The server's disk is full")
    if "readonly" in str(error) or "unable to open" in str(error) or "disk I/O" in str(error):
        return Unavailable("The server's records cannot be written")
    return error


def _unopened(error: sqlite3.DatabaseError) -> Unavailable:
    return Unavailable(f"The server's records cannot be opened: {error}")
