"""The Verilog under Verilator as a witness: clock by clock, so that latency and interval are measured too."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.machine.extras import missing
from hls.machine.progress import Progress
from hls.rtl import RtlTiming, Simulation, find_verilator, missing_tools, rtl_design
from hls.witnesses.base import Limits, Skipped, Task, WitnessRun, probe_rtl


class RtlWitness:
    """Simulates the RTL of the graph; compiled simulations are kept in the cache.

    ``timing`` is None before the first run.
    """

    limits: ClassVar[Limits] = Limits(max_events=100_000, multiplications=30_000, place=3, probe=probe_rtl)

    def __init__(self, task: Task) -> None:
        self._task = task
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
        simulation = Simulation(rtl_design(self._task.rtl), self._task.folder.cache)
        simulation.compile()
        result = simulation.run(raw_inputs, progress)
        self.timing = result.timing
        tools = f"alkaid {version('alkaid')}, Verilator {find_verilator().version}"
        return WitnessRun(list(result.outputs), result.seconds, tools, (result.timing,))

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: synthesis shares adders between layers, so that no wire is a layer's output."""
        return {}
