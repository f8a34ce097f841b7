"""The processes: a parent that binds, forks workers and looks after them.

    serve([Listener(port=8080)], load, on_ready=print)

`load()` returns a Service: what the workers serve. It is called once at the start, and again on
every SIGHUP; new workers then take the place of the old ones, and no client is turned away. When it raises
ConfigError on SIGHUP, the problem is logged and the old service goes on. It runs in the parent,
so it must leave no open connection or thread behind: `Service.make_application` is called in each
worker, after the fork, and builds what must not be shared.

SIGTERM and SIGINT stop accepting, let running requests finish within `Limits.drain_seconds` and
end the workers; a second one does not wait. A worker that dies is replaced, with a growing pause
when it keeps dying. systemd hears what goes on. Without fork (Windows) everything runs in one process.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from time import monotonic, monotonic_ns

from filehost_dav.errors import ConfigError, FilehostError
from filehost_dav.http.limits import Limits
from filehost_dav.http.listener import Address, Bound, Listener
from filehost_dav.http.loads import Load, Loads
from filehost_dav.http.memory import keep_shared, share_one_heap
from filehost_dav.http.service import Service
from filehost_dav.http.systemd import tell, watchdog_seconds
from filehost_dav.http.tls import Certificate
from filehost_dav.http.transfer import Offload
from filehost_dav.http.worker import end_with, work

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["Certificate", "Limits", "Listener", "Offload", "Service", "serve"]

_log = logging.getLogger(__name__)
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD")
_YOUNG = 10.0
"""A worker that dies before this many seconds makes the pause before its successor longer."""
_LONGEST_PAUSE = 10.0
_START_SECONDS = 60.0
_MOST_WORKERS = 256


def serve(
    listeners: Sequence[Listener], load: Callable[[], Service], *, on_ready: Callable[[list[Address]], None]
) -> None:
    """Serve until asked to stop. `on_ready` is called once, in the parent, with where it listens.

    First those of the server, then those that redirect, of which there may be none. Raises OSError when
    an address or the certificate cannot be used, ConfigError, RuntimeError when the workers do not start,
    and whatever the first `load` raises.
    """
    service = load()
    _allow_descriptors()
    share_one_heap()
    with ExitStack() as stack:
        bound = [_bind(listener, stack) for listener in listeners]
        service.check(bound)
        scheme = "http" if service.certificate is None else "https"
        addresses = [opening.reached_by(scheme) for opening in bound]
        if hasattr(os, "fork"):
            _Parent(bound, service, load).run(lambda: on_ready(addresses))
        else:
            work(bound, service, lambda: on_ready(addresses))


def _bind(listener: Listener, stack: ExitStack) -> Bound:
    bound = listener.bind()
    stack.callback(listener.release)
    stack.callback(bound.socket.close)
    return bound


@dataclass(slots=True)
class _Worker:
    pid: int
    load: Load
    born: float
    ready: int
    """The end of a pipe on which the worker says that it serves."""


class _Parent:
    """Keeps as many workers alive as the service wants."""

    def __init__(self, bound: list[Bound], service: Service, load: Callable[[], Service]) -> None:
        self._bound = bound
        self._service = service
        self._load = load
        self._workers: list[_Worker] = []
        self._leaving: list[int] = []
        self._loads = Loads(_MOST_WORKERS)
        self._signals, self._signalled = os.pipe()
        self._lifeline, self._held = os.pipe()
        self._deaths = 0
        self._replace_at: float | None = None
        self._pulse_every = watchdog_seconds()
        os.set_blocking(self._signalled, False)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start the workers and look after them until a signal says to stop."""
        before = self._catch_signals()
        try:
            self._start()
            on_ready()
            tell("READY=1")
            while self._attend():
                continue
        finally:
            tell("STOPPING=1")
            self._stop()
            self._restore_signals(before)
            for descriptor in (self._signals, self._signalled, self._lifeline, self._held):
                os.close(descriptor)

    def _attend(self) -> bool:
        """Wait for a signal, or for the time to do something. False: it is time to stop."""
        self._pulse()
        pauses = [] if self._pulse_every is None else [self._pulse_every]
        if self._replace_at is not None:
            pauses.append(max(self._replace_at - monotonic(), 0))
        numbers = self._received(min(pauses, default=None))
        if numbers & {signal.SIGTERM, signal.SIGINT}:
            return False
        self._bury()
        if signal.SIGHUP in numbers:
            tell(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns() // 1000}")
            self._reload()
            tell("READY=1")
        if self._replace_at is not None and monotonic() >= self._replace_at:
            self._replenish()
        return True

    def _pulse(self) -> None:
        """Tell the watchdog that all is well, as long as anybody serves."""
        if self._pulse_every is not None and self._workers:
            tell("WATCHDOG=1")

    def _received(self, seconds: float | None) -> set[int]:
        readable, _, _ = select.select([self._signals], [], [], seconds)
        return set(os.read(self._signals, 64)) if readable else set()

    def _bury(self) -> None:
        """Take note of workers that died, and plan their successors."""
        self._leaving = [pid for pid in self._leaving if not os.waitpid(pid, os.WNOHANG)[0]]
        for worker in self._workers[:]:
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            self._workers.remove(worker)
            worker.load.give_up()
            os.close(worker.ready)
            self._service.on_death()
            self._deaths = self._deaths + 1 if monotonic() - worker.born < _YOUNG else 0
            pause = min(0.05 * 2**self._deaths, _LONGEST_PAUSE) if self._deaths else 0
            self._replace_at = monotonic() + pause
            _log.error("Worker %d ended (%s); another follows in %.1f s.", pid, _cause(status), pause)

    def _replenish(self) -> None:
        self._replace_at = None
        while len(self._workers) < self._service.workers:
            self._workers.append(self._fork())

    def _reload(self) -> None:
        """New workers in place of the old, one by one; the old ones stay when the new do not start."""
        try:
            service = self._load()
            service.check(self._bound)
        except (ConfigError, OSError, ValueError) as error:
            _log.error("The new configuration cannot be used, the old one stays: %s", error)
            return
        old, before = self._workers, self._service
        self._workers, self._service = [], service
        try:
            self._start()
        except RuntimeError as error:
            _log.error("%s The old workers stay.", error)
            old, self._workers, self._service = self._workers, old, before
        for worker in old:
            self._dismiss(worker)

    def _dismiss(self, worker: _Worker) -> None:
        """Let a worker finish what it does; it is buried when it is done."""
        os.kill(worker.pid, signal.SIGTERM)
        worker.load.give_up()
        os.close(worker.ready)
        self._leaving.append(worker.pid)

    def _start(self) -> None:
        """All workers, side by side; returns when they serve. Raises RuntimeError when one does not."""
        keep_shared()
        self._replenish()
        for worker in self._workers:
            readable, _, _ = select.select([worker.ready], [], [], _START_SECONDS)
            if not readable or not os.read(worker.ready, 1):
                self._workers.remove(worker)
                raise RuntimeError(f"A worker did not start ({_cause(self._reap(worker))}).")

    def _reap(self, worker: _Worker) -> int:
        """End a worker that does not serve; the status it ended with."""
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        _, status = os.waitpid(worker.pid, 0)
        worker.load.give_up()
        os.close(worker.ready)
        return status

    def _fork(self) -> _Worker:
        ready, tell = os.pipe()
        load = self._loads.take()
        pid = os.fork()
        if pid:
            os.close(tell)
            return _Worker(pid, load, monotonic(), ready)
        status = 1
        try:
            os.close(ready)
            self._become_worker(tell, load)
            status = 0
        except FilehostError as error:
            _log.error("%s", error)  # a sentence for the operator; no trace helps with it
        except BaseException:  # noqa: BLE001 - nothing of the parent may run in the child
            _log.exception("A worker failed.")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _become_worker(self, tell: int, load: Load) -> None:
        for name in _SIGNALS:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        # The terminal sends Ctrl-C to all of them; the parent decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        for descriptor in (self._signals, self._signalled, self._held):
            os.close(descriptor)
        for worker in self._workers:
            os.close(worker.ready)
        end_with(self._lifeline)
        several = self._service.workers > 1
        work(self._bound, self._service, lambda: _say(tell), load if several else None)

    def _stop(self) -> None:
        """End all workers: gently, then not."""
        pids = [worker.pid for worker in self._workers] + self._leaving
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        deadline = monotonic() + self._service.limits.drain_seconds + 2
        hurry = False
        while pids and not hurry and monotonic() < deadline:
            hurry = bool(self._received(deadline - monotonic()) & {signal.SIGTERM, signal.SIGINT})
            pids = [pid for pid in pids if not os.waitpid(pid, os.WNOHANG)[0]]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _catch_signals(self) -> dict[int, object]:
        """Signals become bytes in a pipe, so that nothing happens in the middle of something else."""
        before: dict[int, object] = {}
        for name in _SIGNALS:
            number = getattr(signal, name)
            before[number] = signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._signalled, warn_on_full_buffer=False)
        return before

    def _restore_signals(self, before: dict[int, object]) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave


def _allow_descriptors() -> None:
    """As many as the system grants: the usual 1,024 are fewer than the clients a worker may have."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):  # macOS names more than it grants
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say(descriptor: int) -> None:
    os.write(descriptor, b"1")
    os.close(descriptor)


def _cause(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"status {code}"
