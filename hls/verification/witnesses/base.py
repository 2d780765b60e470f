"""What a witness is, and the registry: one module a witness, imported when it is asked to speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError, ProjectError
from hls.graph import FixedGraph

if TYPE_CHECKING:
    from hls.hls4ml_project import HlsProject
    from hls.rtl import RtlTiming
    from hls.rtl.netlist import NetlistResources

RawArrays = list[npt.NDArray[Any]]
Progress = Callable[[int, int], None]

OFF_GRID = int(np.iinfo(np.int64).min)
"""Stands for an output value that is no multiple of the output's LSB: equal to no integer that firmware can give."""

_MODULES = {
    "qkeras": "hls.verification.witnesses.qkeras",
    "emulator": "hls.verification.witnesses.emulator",
    "csim": "hls.verification.witnesses.csim",
    "rtl": "hls.verification.witnesses.rtl",
    "netlist": "hls.verification.witnesses.netlist",
}
DEFAULT = tuple(_MODULES)

MAX_EVENTS = {"csim": 100_000, "rtl": 100_000, "netlist": 2_000}
"""Events of the slower witnesses, where the project does not say otherwise."""

LARGEST_BY_DEFAULT = {"rtl": 30_000, "netlist": 3_000}
"""Multiplications beyond which a witness takes minutes, and is left out unless it is asked for by name."""


@dataclass(frozen=True)
class Task:
    """What a witness is told: the specification, the model file it came from, and the firmware written from it.

    ``liberty`` is the cell library of an ASIC, for the netlist.
    """

    graph: FixedGraph
    model_file: Path
    project: HlsProject
    liberty: Path | None = None


@dataclass(frozen=True)
class WitnessRun:
    """What a witness said: raw integers per output, ``seconds`` of pure computing, ``version`` of what computed.

    ``measured`` is what it found out about the firmware on the way: cycles, or cells.
    """

    outputs: RawArrays
    seconds: float
    version: str
    measured: tuple[RtlTiming | NetlistResources, ...] = ()

    @property
    def events(self) -> int:
        """Number of events computed."""
        return len(self.outputs[0])

    @property
    def events_per_second(self) -> float:
        """Throughput, loading and compiling not counted."""
        return self.events / max(self.seconds, 1e-9)


class Skipped(FirmwareError):
    """The witness cannot run here; the message says why."""


class Witness(Protocol):
    """An independent way to compute the graph."""

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]], progress: Progress | None = None) -> WitnessRun:
        """Compute events given as port integers (n, *port shape). Raises Skipped if it cannot run here."""

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Raw integers by graph node, for as many nodes as it can see; empty if it sees none."""


def witness_names() -> tuple[str, ...]:
    """Every witness there is."""
    return tuple(_MODULES)


def check_witness_name(name: str) -> str:
    """``name`` if there is such a witness, else ProjectError with the nearest."""
    if name not in _MODULES:
        near = get_close_matches(name, _MODULES, n=1, cutoff=0.0)[0]
        raise ProjectError(f"no witness is called {name!r}; the nearest is {near!r} (all: {', '.join(_MODULES)})")
    return name


def witness(name: str, task: Task) -> Witness:
    """The witness called ``name``, ready to run."""
    module = import_module(_MODULES[check_witness_name(name)])
    made: Witness = module.make(task)
    return made
