"""The Verilog under Verilator as a witness: clock by clock, so that latency and interval are measured too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.machine.extras import missing
from hls.rtl import RtlProject, RtlTiming, Simulation, find_verilator, missing_tools, rtl_design, write_rtl
from hls.target import AUTO
from hls.verification.witnesses.base import Progress, Skipped, Task, WitnessRun

RTL_FOLDER = "rtl"
CACHE_FOLDER = ".cache"


class RtlWitness:
    """Writes the RTL of ``graph`` into ``folder`` and simulates it.

    ``name`` is the firmware's, ``clock_ns`` its period; compiled simulations are kept in ``cache``. ``multipliers`` is
    the target's. ``timing`` is None before the first run.
    """

    def __init__(
        self, graph: FixedGraph, name: str, folder: Path, clock_ns: float, cache: Path, multipliers: str = AUTO
    ) -> None:
        self.graph = graph
        self.name = name
        self.folder = folder
        self.clock_ns = clock_ns
        self.cache = cache
        self.multipliers = multipliers
        self.timing: RtlTiming | None = None

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """All events back to back; some again with gaps between them and with a reset in mid-stream.

        Raises:
            Skipped: a tool is missing, or the graph has numbers too wide for RTL.
            ToolError: a tool fails, or the valid flags do not hold what they promise.
        """
        reason = missing_tools() or missing("alkaid")
        if reason is not None:
            raise Skipped(reason)
        project = rtl_project(self.graph, self.name, self.folder, self.clock_ns, self.multipliers)
        simulation = Simulation(rtl_design(project), self.cache)
        simulation.compile()
        result = simulation.run(raw_inputs, progress)
        self.timing = result.timing
        tools = f"alkaid {version('alkaid')}, Verilator {find_verilator().version}"
        return WitnessRun(list(result.outputs), result.seconds, tools, (result.timing,))

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: synthesis shares adders between layers, so that no wire is a layer's output."""
        return {}


@lru_cache(maxsize=1)
def rtl_project(graph: FixedGraph, name: str, folder: Path, clock_ns: float, multipliers: str) -> RtlProject:
    """The RTL of ``graph``, written once for those witnesses that want it; raises Skipped if it cannot be written."""
    try:
        return write_rtl(graph, name, folder, clock_ns, multipliers=multipliers)
    except UnsupportedError as error:
        raise Skipped(str(error)) from error


def cache_folder(task: Task) -> Path:
    """Where results of slow tools outlive a build: beside the project's build folder."""
    return task.project.folder.parent.parent / CACHE_FOLDER


def make(task: Task) -> RtlWitness:
    """The witness for ``task``."""
    firmware, target = task.project, task.project.target
    folder = firmware.folder.parent / RTL_FOLDER
    return RtlWitness(task.graph, firmware.top, folder, target.clock_ns, cache_folder(task), target.multipliers)
