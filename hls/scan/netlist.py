"""Figures of a trial by writing its RTL and synthesising it, in place of estimates."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hls.errors import FirmwareError
from hls.importing import Statements, import_model
from hls.rtl import write_rtl_for
from hls.rtl.netlist import family_of, synthesise
from hls.scan.trial import TrialResult
from hls.target import Target
from hls.target.resources import LOGIC_LIMITS


@dataclass(frozen=True)
class NetlistTask:
    """A trial, the bytes of its model file with the type of its inputs (where it states none), and what it is for."""

    trial: TrialResult
    model: bytes
    statements: Statements
    target: Target


def measure_netlist(task: NetlistTask) -> TrialResult:
    """The trial with a netlist's LUTs (each counted as one), FFs and DSPs, and the latency of the pipeline.

    What cannot be synthesised keeps its estimates, and ``source`` says that synthesis failed.
    """
    trial, target = task.trial, task.target
    try:
        with tempfile.TemporaryDirectory(prefix="netlist-") as place:
            file = Path(place, "model.h5")
            file.write_bytes(task.model)
            graph = import_model(file, task.statements)
            project = write_rtl_for(target, graph, "trial", Path(place))
            found = synthesise(project, family_of(target.part), Path(place, "cache")).resources
    except FirmwareError:
        return trial.model_copy(update={"source": "rtl, analytic, as synthesis failed"})
    figures = {
        **{limit: float(found.counts.get(kind.key, 0)) for limit, kind in LOGIC_LIMITS.items()},
        "latency_ns": project.stages * target.clock_ns,
        "interval_ns": project.interval * target.clock_ns,
    }
    return trial.model_copy(update={"figures": figures, "source": "rtl, yosys"})
