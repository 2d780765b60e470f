"""hls4ml's C++ under g++ as a witness: the very sources that the vendor's tool would synthesise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.graph import FixedGraph
from hls.hls4ml_project import CompileTimeError, CSimulation, available, expected_seconds, level_for, write_project
from hls.machine.extras import missing
from hls.machine.progress import Progress
from hls.witnesses.base import Limits, Skipped, Task, WitnessRun


def _seconds(task: Task, events: int) -> float:
    return expected_seconds(task.graph, events)


def _probe(task: Task, graph: FixedGraph, folder: Path) -> Task:
    """``task`` for another ``graph``, whose hls4ml project is written into ``folder``."""
    return replace(task, graph=graph, project=write_project(graph, task.project.target, task.project.top, folder))


class CSimWitness:
    """Compiles the project's C simulation and runs it."""

    limits: ClassVar[Limits] = Limits(max_events=100_000, place=2, seconds=_seconds, probe=_probe)

    def __init__(self, task: Task) -> None:
        self._project = task.project
        self._graph = task.graph
        self._compiled: CSimulation | None = None

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """All events, on all cores.

        Raises:
            Skipped: hls4ml or the backend's compiler is not on this machine, or g++ takes too long.
            ToolError: it does not compile, or stops while running.
        """
        simulation = self._simulation(len(raw_inputs[0]))
        start = time.perf_counter()
        outputs = simulation.run(raw_inputs, progress)
        return WitnessRun(list(outputs), time.perf_counter() - start, simulation.version)

    def _simulation(self, events: int) -> CSimulation:
        """Compiled by the first run of several, which is of so many ``events``."""
        if self._compiled is not None:
            return self._compiled
        reason = missing("hls4ml") or available(self._project.target)
        if reason is not None:
            raise Skipped(reason.removeprefix("not run: "))
        simulation = CSimulation(level=level_for(self._graph, events))
        try:
            simulation.compile(self._project)
        except CompileTimeError as error:
            raise Skipped(f'{error}; build --without csim, or with io_type = "io_stream"') from error
        self._compiled = simulation
        return simulation

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: the compiled top function shows its outputs only."""
        return {}
