"""What a witness is, what it is given, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError, UnsupportedError
from hls.graph import FixedGraph
from hls.importing import Statements
from hls.machine.progress import Progress
from hls.verification.build_folder import BuildFolder

if TYPE_CHECKING:
    from hls.hls4ml_project import HlsProject
    from hls.rtl import RtlProject, RtlTiming
    from hls.rtl.netlist import NetlistResources, SharedModule
    from hls.rtl.pipeline import Pipelining

Outputs = list[npt.NDArray[Any]]
"""Integers (n, *shape), one array for each output of the graph; Python's own where int64 is too narrow."""

OFF_GRID = int(np.iinfo(np.int64).min)
"""Stands for an output value that is no multiple of the output's LSB: equal to no integer that firmware can give."""


Measured: TypeAlias = "RtlTiming | NetlistResources | SharedModule"
"""What a witness may find out about the firmware on its way."""


class Skipped(FirmwareError):
    """The witness cannot run here; the message says why. ``measured`` is what it found out of the firmware before."""

    def __init__(self, reason: str, measured: tuple[Measured, ...] = ()) -> None:
        super().__init__(reason)
        self.measured = measured


@dataclass(frozen=True)
class Limits:
    """How much is asked of a witness where neither project nor user says otherwise.

    ``max_events`` caps a slow one. One whose network has more than ``multiplications`` takes minutes and is left out
    unless it is named. Without ``by_default`` it runs only where it is named; so it does for a model file that it does
    not speak for, so that reports of other files need not mention it. ``place`` orders the witnesses: smaller ones
    first, equal ones by name. ``seconds`` is about how long so many events of a task take it, where it knows. ``probe``
    gives the task of another graph that computes the same, in a folder of its own: of one whose outputs are those of
    all layers it finds the layer in which a difference begins.
    """

    max_events: int | None = None
    multiplications: int | None = None
    by_default: bool = True
    place: int = 100
    seconds: Callable[[Task, int], float] | None = None
    speaks_for: Callable[[Path], bool] = lambda model_file: True
    probe: Callable[[Task, FixedGraph, Path], Task] | None = None


@dataclass(frozen=True)
class Task:
    """What a witness is given: the specification, the model file it came from, and the firmware written from it.

    ``liberty`` is the cell library of an ASIC, for the netlist. ``build`` is where witnesses of RTL keep what they
    make; without it they do not run. ``statements`` are what a project says of its model, which QKeras is told too.
    ``pipelining`` is where the RTL's pipeline is cut, if the clock alone does not decide it.
    """

    graph: FixedGraph
    model_file: Path
    project: HlsProject
    liberty: Path | None = None
    build: BuildFolder | None = None
    statements: Statements = field(default_factory=Statements)
    pipelining: Pipelining | None = None

    @property
    def folder(self) -> BuildFolder:
        """``build``; raises Skipped if there is none."""
        if self.build is None:
            raise Skipped("no build folder to write RTL to; give the Task a BuildFolder")
        return self.build

    @cached_property
    def rtl(self) -> RtlProject:
        """The RTL of the graph, written by the first witness that asks; raises Skipped if it cannot be written."""
        from hls.rtl import write_rtl_for

        try:
            return write_rtl_for(
                self.project.target, self.graph, self.project.top, self.folder.rtl, pipelining=self.pipelining
            )
        except UnsupportedError as error:
            raise Skipped(str(error)) from error

    @property
    def written_rtl(self) -> RtlProject | None:
        """The RTL, if anybody has asked for it."""
        return vars(self).get("rtl")


def probe_rtl(task: Task, graph: FixedGraph, folder: Path) -> Task:
    """``task`` for another ``graph``, whose RTL is written into ``folder``."""
    return replace(task, graph=graph, build=BuildFolder(folder, task.folder.cache))


@dataclass(frozen=True)
class WitnessRun:
    """What a witness computed: integers per output, ``seconds`` of pure computing, ``version`` of what computed.

    ``measured`` is what it found out about the firmware on the way: cycles, or cells. ``values`` are its outputs as
    numbers, of a witness that computes in float32.
    """

    raw: Outputs
    seconds: float
    version: str
    measured: tuple[Measured, ...] = ()
    values: tuple[npt.NDArray[np.float32], ...] | None = None

    @property
    def events(self) -> int:
        """Number of events computed."""
        return len(self.raw[0])

    @property
    def record(self) -> RunRecord:
        """What is told of it."""
        return RunRecord(self.events, self.seconds, self.version, self.measured)


@dataclass(frozen=True)
class RunRecord:
    """What is told of a run, or of those of one witness on portions of the events, whose integers are gone."""

    events: int
    seconds: float
    version: str
    measured: tuple[Measured, ...] = ()

    def __add__(self, more: RunRecord) -> RunRecord:
        """Of both; what is measured of the firmware is the same each time."""
        return replace(self, events=self.events + more.events, seconds=self.seconds + more.seconds)

    @property
    def events_per_second(self) -> float:
        """Throughput, loading and compiling not counted."""
        return self.events / max(self.seconds, 1e-9)


class Witness(Protocol):
    """An independent way to compute the graph."""

    limits: ClassVar[Limits]

    def __init__(self, task: Task) -> None:
        """A witness for ``task``. Tools are looked for in ``run``, not here."""

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """Compute events given as port integers (n, *port shape). Raises Skipped if it cannot run here."""

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Raw integers by graph node, for as many nodes as it can see; empty if it sees none."""
