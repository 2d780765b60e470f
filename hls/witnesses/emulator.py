"""The numpy emulator as a witness: it executes the graph itself, so it is the specification that others must match."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.emulation import Emulator
from hls.machine.progress import Progress
from hls.witnesses.base import Limits, Task, WitnessRun


class EmulatorWitness:
    """Runs the graph in numpy."""

    limits: ClassVar[Limits] = Limits(place=1)

    def __init__(self, task: Task) -> None:
        self._emulator = Emulator(task.graph)

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """All events; timed on a second pass, whose buffers are warm, as in a long run."""
        outputs = self._emulator.run(raw_inputs)
        start = time.perf_counter()
        self._emulator.run(raw_inputs)
        return WitnessRun(outputs, time.perf_counter() - start, f"numpy {np.__version__}")

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Every node."""
        return self._emulator.trace(raw_inputs)
