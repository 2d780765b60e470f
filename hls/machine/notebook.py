"""Progress in a notebook. A library says nothing of its own accord elsewhere; a cell that works for minutes should."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any

from hls.machine.progress import StageProgress

_EVERY_SECONDS = 0.2


@contextmanager
def notebook_progress(asked: StageProgress | None) -> Iterator[StageProgress | None]:
    """``asked`` where it is something; else bars if this is a notebook, which stay below the cell; else None."""
    if asked is not None or not _in_notebook():
        yield asked
        return
    bars = _Bars()
    try:
        yield bars
    finally:
        bars.show()


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this; nothing is imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


@dataclass
class _Stage:
    done: int = 0
    total: int = 0
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    @property
    def count(self) -> str:
        return f"{self.done:,} of {self.total:,}" if self.total else f"{self.done:,}" if self.done else ""


class _Bars:
    """A row a stage: a bar, a count, and seconds. The notebook renders the object again when it has changed."""

    def __init__(self) -> None:
        self._stages: dict[str, _Stage] = {}
        self._shown = 0.0
        self._handle: Any = import_module("IPython.display").display(self, display_id=True)

    def __call__(self, stage: str, done: int, total: int) -> None:
        row = self._stages.setdefault(stage, _Stage())
        row.done, row.total, row.seconds = done, total, time.monotonic() - row.started
        if done == total or time.monotonic() - self._shown > _EVERY_SECONDS:
            self.show()

    def show(self) -> None:
        """Draw what there is now."""
        self._shown = time.monotonic()
        self._handle.update(self)

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><td>{escape(name)}</td>"
            f'<td><progress value="{row.done}" max="{max(row.total, row.done, 1)}"></progress></td>'
            f'<td style="text-align:right">{row.count}</td><td style="text-align:right">{row.seconds:.1f} s</td></tr>'
            for name, row in self._stages.items()
        )
        return f"<table>{''.join(rows)}</table>"

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {row.count} in {row.seconds:.1f} s" for name, row in self._stages.items())
