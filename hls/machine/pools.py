"""Where work is done: in processes of this machine, or on an existing Dask cluster."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from hls.errors import FirmwareError, ToolError
from hls.machine.extras import require
from hls.machine.programs import end, started
from hls.machine.worker import Outcome, outcome, result_of, send

Task = TypeVar("Task")
Found = TypeVar("Found")

_CONNECT_SECONDS = 15
_LIVES = 5
"""How often a task of a cluster may fail for reasons of the cluster before it is given up."""
_MOST_WAITING = 256
"""Calls that wait for a cluster at a time, more than its workers at the start: it may grow."""
_WORKER = "from hls.machine.worker import main; main()"
_GOES_ON = "the same command goes on where it stopped"


@dataclass(frozen=True)
class Pool:
    """``call(function, *arguments)`` returns what the function gives, or raises what it raises, from any thread.

    The function runs elsewhere: it is one of a module, not of a script, and its arguments are pickled. ``width`` calls
    at a time keep the pool busy, ``most`` may wait.
    """

    call: Callable[..., Any]
    width: int
    most: int

    def as_finished(self, function: Callable[[Task], Found], tasks: Sequence[Task]) -> Iterator[tuple[Task, Found]]:
        """(task, result) of every task, in the order in which they finish."""
        if not tasks:
            return
        threads = ThreadPoolExecutor(min(self.most, len(tasks)))
        try:
            waiting = {threads.submit(self.call, function, task): task for task in tasks}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def open_pool(jobs: int | None = None, scheduler: str | None = None, log: Path | None = None) -> Iterator[Pool]:
    """``jobs`` processes (as many as there are processors if None), or the cluster whose scheduler is named.

    What the processes write goes to the end of file ``log``; on a cluster, wherever its workers write.

    Raises:
        FirmwareError: fewer than one job; no scheduler answers at that address, or it has no workers.
        ToolError: Dask is not installed; in the block, a process was killed or the cluster lost.
    """
    with _processes(cores() if jobs is None else jobs, log) if scheduler is None else _cluster(scheduler) as pool:
        yield pool


@contextmanager
def _processes(jobs: int, log: Path | None) -> Iterator[Pool]:
    """A process for each call; those that still run when the block ends are ended."""
    if jobs < 1:
        raise FirmwareError(f"number of jobs is {jobs}: ask for at least 1")
    running: set[subprocess.Popen[bytes]] = set()
    closed = False

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        with _written(log) as written:
            # A program of its own, not a fork, which TensorFlow's threads do not survive, and not a spawn, which needs
            # a guard in the caller's script. It ends when its end of the pipe to stdin does, so a killed parent leaves
            # none behind.
            command = [sys.executable, "-c", _WORKER]
            with started(command, stdin=subprocess.PIPE, stderr=written) as process:
                running.add(process)
                if closed:
                    raise CancelledError
                answer = _answer(process, function, arguments)
            running.discard(process)
            if process.returncode:
                raise ToolError(_failure(function, process.returncode, written, log))
        return result_of(pickle.loads(answer))  # noqa: S301 (our own worker pickled it)

    try:
        yield Pool(call, jobs, jobs)
    finally:
        closed = True
        for process in list(running):
            end(process)


def _answer(process: subprocess.Popen[bytes], function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a worker is told and answers through pipes; start it with both")
    try:
        send(process.stdin, sys.path)
        send(process.stdin, (function, arguments))
    except BrokenPipeError:
        pass  # its exit code tells
    answer = process.stdout.read()
    process.wait()
    return answer


@contextmanager
def _written(log: Path | None) -> Iterator[IO[bytes]]:
    """A file for what a process writes to stdout and stderr."""
    if log is None:
        with tempfile.TemporaryFile() as file:
            yield file
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            yield file


def _failure(function: Callable[..., Any], code: int, written: IO[bytes], log: Path | None) -> str:
    how = "was killed" if code < 0 else f"ended with code {code}"
    if log is None:
        written.seek(0)
        why = (written.read().decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    else:
        why = f"{log} may tell why"
    return f"a process of {function.__name__} {how} ({why}); {_GOES_ON}"


@contextmanager
def _cluster(address: str) -> Iterator[Pool]:
    require("dask", "distributed")
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, TypeError, ValueError) as error:
        raise FirmwareError(f"no Dask scheduler answers at {address!r} ({error})") from error
    with _quiet_client(), client:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        except TimeoutError:
            raise FirmwareError(
                f"the Dask scheduler at {address!r} has no workers; start some with `dask worker`"
            ) from None

        def call(function: Callable[..., Any], *arguments: Any) -> Any:
            with _cluster_errors(address):
                found: Outcome = client.submit(outcome, function, *arguments, pure=False, retries=_LIVES).result()
            return result_of(found)

        yield Pool(call, sum(client.nthreads().values()), _MOST_WAITING)


@contextmanager
def _quiet_client() -> Iterator[None]:
    """Dask logs a lost connection with a traceback, beside the error that we raise for it."""
    logger = logging.getLogger("distributed.client")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _cluster_errors(address: str) -> Iterator[None]:
    from distributed import KilledWorker

    try:
        yield
    except ImportError as error:
        cure = "install qtrigger there"
        raise ToolError(f"a worker of {address!r} cannot import what it needs ({error}); {cure}") from error
    except (OSError, CancelledError, KilledWorker) as error:
        raise ToolError(f"the Dask cluster at {address!r} was lost ({type(error).__name__}); {_GOES_ON}") from error
