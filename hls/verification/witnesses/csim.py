"""hls4ml's C++ under g++ as a witness: the very sources that the vendor's tool would synthesise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.hls4ml_project import CSimulation, HlsProject, available
from hls.machine.extras import missing
from hls.verification.witnesses.base import Progress, Skipped, Task, WitnessRun


class CSimWitness:
    """Compiles the project's C simulation and runs it."""

    def __init__(self, project: HlsProject) -> None:
        self._project = project

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """All events, on all cores.

        Raises:
            Skipped: hls4ml or the backend's compiler is not on this machine.
            ToolError: it does not compile, or stops while running.
        """
        reason = missing("hls4ml") or available(self._project.target)
        if reason is not None:
            raise Skipped(reason.removeprefix("not run: "))
        simulation = CSimulation()
        simulation.compile(self._project)
        start = time.perf_counter()
        outputs = simulation.run(raw_inputs, progress)
        return WitnessRun(list(outputs), time.perf_counter() - start, simulation.version)

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: the compiled top function shows its outputs only."""
        return {}


def make(task: Task) -> CSimWitness:
    """The witness for ``task``."""
    return CSimWitness(task.project)
