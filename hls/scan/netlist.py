"""Figures of a trial by writing its RTL and synthesising it, in place of estimates."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hls.errors import FirmwareError
from hls.importing import import_keras
from hls.netlist import family_of, synthesise
from hls.rtl import write_rtl
from hls.scan.trial import TrialResult
from hls.target import Target


def measure_netlist(task: tuple[bytes, TrialResult, Mapping[str, Any]]) -> TrialResult:
    """The trial with a netlist's LUTs (each counted as one), FFs and DSPs, and the latency of the pipeline.

    ``task`` holds the bytes of the model file, the trial and the settings of the target. What cannot be synthesised
    keeps its estimates, and ``source`` says that synthesis failed.
    """
    model, trial, settings = task
    target = Target(**{**settings, "clock_ns": float(trial.parameters.get("clock_ns", 5.0))})
    try:
        with tempfile.TemporaryDirectory(prefix="netlist-") as place:
            file = Path(place, "model.h5")
            file.write_bytes(model)
            project = write_rtl(import_keras(file), "trial", Path(place), target.clock_ns)
            found = synthesise(project, family_of(target.part), Path(place, "cache")).resources
    except FirmwareError:
        return trial.model_copy(update={"source": "rtl, analytic, as synthesis failed"})
    figures = {
        "luts": float(found.lut_high),
        "ffs": float(found.ff),
        "dsps": float(found.dsp),
        "latency_ns": project.stages * target.clock_ns,
        "interval_ns": target.clock_ns,
    }
    return trial.model_copy(update={"figures": figures, "source": "rtl, yosys"})
