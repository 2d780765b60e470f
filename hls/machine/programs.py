"""Programs that work for us: each with its children in a group of its own, which ends when we are stopped."""

from __future__ import annotations

import errno
import logging
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from hls.errors import ToolError

_LOG = logging.getLogger(__name__)
_FULL = os.strerror(errno.ENOSPC)
_LAST_LINES = 8


class _Running:
    """The groups that run now, by the process that leads each."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.leaders: set[int] = set()
        self.stopped = False
        self.own_groups = True


_RUNNING = _Running()


def stop_all() -> None:
    """End every program that runs now, and start none any more."""
    # No lock: a signal's handler calls this, and may have interrupted whoever holds it.
    _RUNNING.stopped = True
    for leader in list(_RUNNING.leaders):
        end_group(leader)


def allow_again() -> None:
    """Programs may be started again, after ``stop_all``."""
    _RUNNING.stopped = False


def stay_in_one_group() -> None:
    """This process leads a group that another ends: programs that it starts stay in it."""
    _RUNNING.own_groups = False


def end_group(leader: int) -> None:
    """End a process that was started here, and its children."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs; it has ended when the block has, killed if the block is left by an error."""
    with _RUNNING.lock:
        if _RUNNING.stopped:
            raise ToolError(f"{command[0]} is not started: this run is being stopped")
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=None if environment is None else {**os.environ, **environment},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            process_group=0 if _RUNNING.own_groups else None,
        )
        _RUNNING.leaders.add(process.pid)
    start = time.monotonic()
    _LOG.debug("%d started in %s: %s", process.pid, folder or ".", shlex.join(map(str, command)))
    try:
        with process:
            try:
                yield process
            except BaseException:
                end(process)
                raise
    finally:
        _RUNNING.leaders.discard(process.pid)
        _LOG.debug("%d ended with %s after %.1f s", process.pid, process.returncode, time.monotonic() - start)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program, and its children where it leads a group."""
    if process.returncode is None and _RUNNING.own_groups:
        end_group(process.pid)
    process.kill()


def run_program(
    command: Sequence[str | Path],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, keeping what it writes; raises OSError if it does not start, or fills the disk.

    Raises subprocess.TimeoutExpired if it has not ended after ``timeout`` seconds; it is ended then.
    """
    with started(command, folder=folder, environment=environment) as process:
        out, err = (text.decode(errors="replace") for text in process.communicate(timeout=timeout))
    if process.returncode and any(_FULL in text for text in (out, err)):
        raise OSError(errno.ENOSPC, _FULL, None if folder is None else str(folder))
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def last_lines(text: str) -> str:
    """The end of what a program wrote, where it says why it failed."""
    return "\n".join(text.strip().splitlines()[-_LAST_LINES:])
