"""The files in which a vendor's tools report: how one is known by its name and place, and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from hls.figures.vendor_reports.result import VendorReport
from hls.machine.plugins import Plugins
from hls.target import BACKENDS


@dataclass(frozen=True)
class ReportFile:
    """One kind of file: those whose path ends in ``pattern`` (as ``Path.match`` takes it), and their reader.

    ``completes``: its clock and period complete another report of the same tool and stage in the same folder, and
    are no result of their own.
    """

    pattern: str
    read: Callable[[Path], Sequence[VendorReport]]
    completes: bool = False


@dataclass(frozen=True)
class ToolReports:
    """All that the tools behind one backend leave: ``files`` with figures, and patterns of the ``logs`` beside them.

    A log that tells of a memory file of weights that was not found makes every figure worthless.
    """

    files: tuple[ReportFile, ...] = ()
    logs: tuple[str, ...] = ()

    def __or__(self, other: ToolReports) -> ToolReports:
        """Those of both."""
        return ToolReports(self.files + other.files, self.logs + other.logs)


def one(read: Callable[[Path], VendorReport]) -> Callable[[Path], Sequence[VendorReport]]:
    """A reader of files that hold one report each."""
    return lambda path: [read(path)]


@runtime_checkable
class ReportingBackend(Protocol):
    """The part of a backend that is read here; the backends themselves stand in a room above."""

    @property
    def reports(self) -> ToolReports:
        """What the tools behind it leave when the user has run them."""


def known_reports() -> ToolReports:
    """Of the tools of every installed backend, each once.

    Raises:
        ProjectError: a package with a backend cannot be loaded.
    """
    backends: Plugins[ReportingBackend] = Plugins(BACKENDS.group, BACKENDS.noun, ReportingBackend)
    every = [backend.reports for backend in backends.load_all().values()]
    files = dict.fromkeys(file for reports in every for file in reports.files)
    logs = dict.fromkeys(pattern for reports in every for pattern in reports.logs)
    return ToolReports(tuple(files), tuple(logs))
