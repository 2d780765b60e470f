"""Where blocks are made: in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hls.machine.extras import not_installed
from qmodels.compression.samples.blocks import USER_ERROR, Plan, make_block, write_block
from qmodels.errors import ModelDataError

_CONNECT_SECONDS = 15


@dataclass(frozen=True)
class Maker:
    """``make(plan, block, most, path)`` writes a block, from any thread; ``width`` calls at a time keep it busy."""

    make: Callable[[Plan, int, int, Path], None]
    width: int


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def local_maker(jobs: int) -> Iterator[Maker]:
    """``jobs`` processes at a time on this machine; those that still run when the block ends are ended."""
    if jobs < 1:
        raise ModelDataError(f"number of jobs is {jobs}: ask for at least 1")
    running: set[subprocess.Popen[str]] = set()
    lock = threading.Lock()
    closed = False

    def make(plan: Plan, block: int, most: int, path: Path) -> None:
        # A program of its own, not a fork: the parent may hold TensorFlow's threads, or a script without a guard.
        command = [sys.executable, "-m", __package__ + ".blocks", plan.to_json(), str(block), str(most), str(path)]
        with lock:
            if closed:
                return
            # It ends when its end of the pipe to stdin does, so a killed parent leaves none behind.
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            running.add(process)
        with process:
            assert process.stderr is not None
            said = process.stderr.read()
            process.wait()
        running.discard(process)
        if process.returncode == USER_ERROR:
            raise ModelDataError(said.strip())
        if process.returncode:
            last = (said.strip().splitlines() or ["it said nothing"])[-1]
            raise ModelDataError(f"the process of block {block} ended with code {process.returncode}: {last}")

    try:
        yield Maker(make, jobs)
    finally:
        with lock:
            closed = True
        for process in list(running):
            process.kill()


@contextmanager
def dask_maker(address: str) -> Iterator[Maker]:
    """The workers of the Dask scheduler at ``address``, as many as there are at the start.

    Raises:
        ModelDataError: dask is not installed, or there is no scheduler at that address, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ModelDataError(not_installed("dask", "distributed")) from error
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ModelDataError(f"no Dask scheduler answers at {address!r} ({error})") from error
    with _quiet_client(), client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ModelDataError(f"the Dask scheduler at {address!r} has no workers; start some with `dask worker`")

        def make(plan: Plan, block: int, most: int, path: Path) -> None:
            with _cluster_errors(address):
                made = client.submit(make_block, plan, block, most, pure=False).result()
            write_block(path, made)

        yield Maker(make, threads)


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
        raise ModelDataError(f"a worker of {address!r} cannot import what it needs ({error}); {cure}") from error
    except (OSError, CancelledError, KilledWorker) as error:
        raise ModelDataError(
            f"the Dask cluster at {address!r} was lost ({type(error).__name__}); run again to go on from its blocks"
        ) from error
