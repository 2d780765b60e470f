"""Progress on stderr: bars in a terminal, a plain line a stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import TaskID

_EVERY_SECONDS = 10.0


class Shown(Protocol):
    """Called with a stage's progress; total 0 where it is not known."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """``done`` of ``total`` events or steps of ``stage``."""


@contextmanager
def progress(quiet: bool = False) -> Iterator[Shown]:
    """Shows progress while the block runs."""
    if quiet:
        yield lambda stage, done, total: None
    elif sys.stderr.isatty():
        with _bars() as shown:
            yield shown
    else:
        yield _Lines()


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

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage not in self._started:
            self._started[stage] = self._last = now
            if total and not done:
                sys.stderr.write(f"{stage}: {total} to do\n")
            return
        if total and done >= total:
            started = self._started[stage]
            if started >= 0.0:
                sys.stderr.write(f"{stage}: {done} in {now - started:.1f} s\n")
            self._started[stage] = -1.0
        elif now - self._last > _EVERY_SECONDS:
            self._last = now
            sys.stderr.write(f"{stage}: {done} of {total}\n")
