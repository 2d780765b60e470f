"""Progress on stderr: bars in a terminal, a plain line a stage elsewhere, records where the log is told."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from hls.cli.logs import LOG
from hls.cli.manner import manner

if TYPE_CHECKING:
    from rich.progress import TaskID

_EVERY_SECONDS = 10.0


class Shown(Protocol):
    """Called with a stage's progress; total 0 where it is not known."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """``done`` of ``total`` events or steps of ``stage``."""


@contextmanager
def progress() -> Iterator[Shown]:
    """Shows progress while the block runs, as the verb was told to."""
    logged = _Lines(LOG.info)
    if manner().quiet or manner().verbose:  # whoever reads the log is told there
        yield logged
        return
    with _bars() if sys.stderr.isatty() else nullcontext(_Lines(_to_stderr)) as shown:

        def both(stage: str, done: int, total: int) -> None:
            shown(stage, done, total)
            logged(stage, done, total)

        yield both


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@contextmanager
def _bars() -> Iterator[Shown]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        stages: dict[str, TaskID] = {}

        def shown(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total or None)
            bars.update(stages[stage], completed=done, total=total or None)

        yield shown


class _Lines:
    """A line when a stage starts and when it ends, and one now and then between."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._started: dict[str, float] = {}
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage not in self._started:
            self._started[stage] = self._last = now
            if total and not done:
                self._write(f"{stage}: {total} to do")
            return
        if total and done >= total:
            started = self._started[stage]
            if started >= 0.0:
                self._write(f"{stage}: {done} in {now - started:.1f} s")
            self._started[stage] = -1.0
        elif now - self._last > _EVERY_SECONDS:
            self._last = now
            self._write(f"{stage}: {done} of {total}")
