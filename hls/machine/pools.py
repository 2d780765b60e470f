"""Where trials run: processes of this machine, or an existing Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from hls.errors import FirmwareError, ToolError
from hls.machine.extras import require
from hls.machine.native_stderr import stderr_into

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
Run = Callable[[Callable[[Task], Outcome], Sequence[Task]], Iterator[tuple[Task, Outcome]]]
"""From a function and its arguments to (argument, result) pairs in the order in which they finish."""

_CONNECT_SECONDS = 10
_LIVES = 5
"""Workers that may die under one trial before it is given up."""


@contextmanager
def workers(jobs: int | None, scheduler: str | None, log: Path) -> Iterator[Run[Any, Any]]:
    """Something that runs trials: ``jobs`` processes (one a core if None), or the cluster whose scheduler is named.

    What libraries write to stderr goes to the end of file ``log``; on a cluster, wherever its workers write.

    Raises:
        FirmwareError: no scheduler answers at that address, or Dask is not installed.
    """
    if scheduler is not None:
        with _cluster(scheduler) as run:
            yield run
    else:
        yield _local(jobs or os.cpu_count() or 1, log)


def _local(jobs: int, log: Path) -> Run[Any, Any]:
    def run(function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        if not tasks:
            return
        log.parent.mkdir(parents=True, exist_ok=True)
        # Spawned: TensorFlow does not survive a fork, and each trial begins in the same state.
        with ProcessPoolExecutor(
            min(jobs, len(tasks)), get_context("spawn"), initializer=stderr_into, initargs=(log,), max_tasks_per_child=1
        ) as pool:
            waiting = {pool.submit(function, task): task for task in tasks}
            try:
                for done in as_completed(waiting):
                    yield waiting[done], done.result()
            except BrokenProcessPool as error:
                raise ToolError(
                    f"a process of the scan was killed ({log} may tell why); the same command goes on where it stopped"
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    return run


@contextmanager
def _cluster(address: str) -> Iterator[Run[Any, Any]]:
    require("dask", "distributed")
    import dask
    from distributed import Client
    from distributed import as_completed as completed

    with dask.config.set({"distributed.scheduler.allowed-failures": _LIVES}):
        try:
            client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise FirmwareError(f"no Dask scheduler answers at {address!r} ({error})") from error

        def run(function: Callable[[Task], Outcome], tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
            waiting = {client.submit(function, task, pure=False, retries=_LIVES): task for task in tasks}
            for done in completed(list(waiting), loop=client.loop):
                yield waiting[done], done.result()

        try:
            yield run
        finally:
            client.close()
