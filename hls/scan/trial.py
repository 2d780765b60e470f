"""One point of a scan: trained, imported, measured. It runs in a process of its own, here or on a cluster."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from hls.errors import FirmwareError
from hls.scan.space import HARDWARE, Value
from hls.target import BEATS, PACED, WHOLE, Target
from hls.target.resources import LIMITS, LOGIC_LIMITS

if TYPE_CHECKING:
    from hls.graph import FixedGraph

FIDELITY_EVENTS = 100_000
MODEL = "model.h5"


@dataclass(frozen=True)
class TrialSpec:
    """What to train and measure. ``system`` is "name/variant", or None with a fixed ``model`` (its file's bytes), which
    may need an ``input_type`` and the other statements of a project.

    Without epochs or events the system's own defaults count.
    """

    parameters: Mapping[str, Value]
    target: Target
    system: str | None = None
    model: bytes | None = None
    input_type: str | None = None
    internal_sigmoid: str | None = None
    softmax: str | None = None
    sigmoid: str | None = None
    outputs: str | None = None
    events: int | None = None
    epochs: int | None = None
    seed: int = 1

    @property
    def key(self) -> str:
        """The same for the same point, training, target and firmware: results are found again by it."""
        # Without what is not stated: keys that a target learns to have change no name of an earlier trial.
        unstated = {"adders": WHOLE, "ports": BEATS, "io": PACED}
        target = {key: value for key, value in asdict(self.target).items() if value not in (None, unstated.get(key))}
        target.pop("firmware", None)
        parameters = dict(self.parameters)
        if parameters.get("interval") == self.target.interval_clocks:
            del parameters["interval"]
        asked = [parameters, target, self.system, self.events, self.epochs, self.seed]
        # Named only where it is not what these two settings imply: trials older than the choice keep their keys.
        hardware = self.hardware
        implied = "rtl" if (hardware.strategy, hardware.reuse_factor) == ("latency", 1) else "hls4ml"
        if hardware.product != implied:
            asked.append(hardware.product)
        stated = [self.input_type] if self.internal_sigmoid is None else [self.input_type, self.internal_sigmoid]
        heads = {"softmax": self.softmax, "sigmoid": self.sigmoid, "outputs": self.outputs}
        stated_heads = {function: mode for function, mode in heads.items() if mode is not None}
        told = [*asked, *stated, stated_heads] if stated_heads else [*asked, *stated]
        state = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        state.update(self.model or b"")
        return state.hexdigest()[:12]

    @property
    def hardware(self) -> Target:
        """The target with the hardware parameters of the point."""
        return with_hardware(self.target, self.parameters)


def with_hardware(target: Target, parameters: Mapping[str, Value]) -> Target:
    """``target`` with those of ``parameters`` that are of the hardware; ProjectError for one that cannot be."""
    stated: dict[str, Value | None] = {name: value for name, value in parameters.items() if name in HARDWARE}
    if stated.get("interval") == target.interval_clocks:
        del stated["interval"]  # which the target may state in nanoseconds
    elif "interval" in stated:
        stated["interval_ns"] = None
    return Target(**{**asdict(target), **stated})


Source = Literal["rtl, analytic", "hls4ml, analytic", "rtl, yosys", "rtl, analytic, as synthesis failed"]


class TrialResult(BaseModel):
    """What came of a trial. ``source`` says of which firmware the figures are and what measured them; ``failed`` why
    there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    parameters: dict[str, Value]
    epochs: int | None
    fidelity: dict[str, float] = {}
    figures: dict[str, float] = {}
    source: Source
    seconds: float = 0.0
    failed: str | None = None

    def value(self, name: str) -> float | None:
        """A figure or a metric, None if this trial does not have it."""
        return self.figures.get(name, self.fidelity.get(name))


def run_trial(spec: TrialSpec) -> tuple[TrialResult, dict[str, bytes]]:
    """The result, and the files of the trained model by name: a worker need not share a disk with who asked.

    A network that cannot be trained or imported is a result too: its ``failed`` says why.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="trial-") as place:
        folder = Path(place)
        try:
            result = _measured(spec, folder)
        except FirmwareError as error:
            why = " ".join(str(error).split())
            result = _result(spec, failed=why)
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    return result.model_copy(update={"seconds": time.perf_counter() - started}), files


def _measured(spec: TrialSpec, folder: Path) -> TrialResult:
    from hls.emulation import emulate
    from hls.importing import Statements, import_model
    from hls.project.systems.finding import find_system

    if spec.system is None:
        (folder / MODEL).write_bytes(spec.model or b"")
        stated = Statements(spec.input_type, spec.internal_sigmoid, spec.softmax, spec.sigmoid, spec.outputs)
        graph = import_model(folder / MODEL, stated)
        return _result(spec, figures=_figures(graph, spec))
    # TensorFlow greets with a dozen lines, also in the log of a Dask worker.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    chosen = find_system(spec.system)
    network = {name: value for name, value in spec.parameters.items() if name not in HARDWARE}
    chosen.scannable.train_point(
        chosen.variant, network, folder, events=spec.events, epochs=spec.epochs, seed=spec.seed
    )
    graph = import_model(folder / MODEL)
    metrics = chosen.system.fidelity(
        chosen.variant, folder, lambda events: emulate(graph, events), events=FIDELITY_EVENTS, seed=spec.seed
    )
    return _result(spec, fidelity=numbers_of(metrics), figures=_figures(graph, spec))


def numbers_of(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The firmware's figures by name; of a curve one of each point: ``auc_at_-3`` is that of ``auc`` at -3."""
    single = {name: float(metric["firmware"]) for name, metric in metrics.items() if "points" not in metric}
    return single | {
        f"{name}_at_{point['at']:g}": float(point["firmware"])
        for name, metric in metrics.items()
        for point in metric.get("points", ())
    }


def _result(spec: TrialSpec, **found: Any) -> TrialResult:
    source: Source = "rtl, analytic" if spec.hardware.product == "rtl" else "hls4ml, analytic"
    return TrialResult(key=spec.key, parameters=dict(spec.parameters), epochs=spec.epochs, source=source, **found)


def _figures(graph: FixedGraph, spec: TrialSpec) -> dict[str, float]:
    from hls.figures.estimates import estimate_hls4ml, estimate_own_rtl

    target = spec.hardware
    estimate = estimate_own_rtl(graph, target) if target.product == "rtl" else estimate_hls4ml(graph, target)
    return {
        **{
            limit: estimate[kind.key].value
            for limit, kind in LIMITS.items()
            if kind.key in estimate.figures and (limit in LOGIC_LIMITS or estimate[kind.key].value)
        },
        "latency_ns": estimate["latency_ns"].value,
        "interval_ns": estimate["interval"].value * target.clock_ns,
    }
