"""The exported C++ emulator as a witness: what an experiment's software would run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hls.cpp import CompiledEmulator
from hls.errors import UnsupportedError
from hls.machine.progress import Progress
from hls.witnesses.base import Limits, Skipped, Task, WitnessRun


class ExportWitness:
    """Writes the emulator of `qtrigger export emulator`, compiles it with g++ and runs it on one core."""

    limits: ClassVar[Limits] = Limits(place=2, by_default=False)

    def __init__(self, task: Task) -> None:
        self._task = task

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """All events.

        Raises:
            Skipped: the network has numbers that C++ has no type for.
            ToolError: there is no g++, or it does not compile.
        """
        try:
            emulator = CompiledEmulator(self._task.graph, self._task.folder.cache)
        except UnsupportedError as error:
            raise Skipped(str(error)) from error
        start = time.perf_counter()
        outputs = emulator.run(raw_inputs)
        return WitnessRun(list(outputs), time.perf_counter() - start, emulator.version)

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Nothing: it shows its outputs only."""
        return {}
