"""The fidelity of a build: who measures it, on which events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hls.emulation import emulate
from hls.errors import EventError, ToolError, UnsupportedError
from hls.events import Array, EventSample, Labels
from hls.graph import FixedGraph
from hls.importing.heads import DROP, ORDER
from hls.machine.extras import absence_named
from hls.machine.progress import StageProgress, of_stage
from hls.project.fidelity.agreement import Outputs, agreement, judged
from hls.project.fidelity.float_network import float_outputs
from hls.project.project_file import Project
from hls.project.report.schema import Curve, Metric, fidelity_metric
from hls.project.systems.finding import Chosen
from hls.verification.softmax_error import softmax_error

FIDELITY_EVENTS = 100_000
SYSTEM_FIGURE, ROC_FIGURE = "fidelity.png", "roc.png"


@dataclass(frozen=True)
class Fidelity:
    """What was measured, and in words on which events."""

    metrics: dict[str, Metric | Curve]
    events: str | None


@dataclass(frozen=True, eq=False)
class Subject:
    """Whose fidelity: the ``graph`` of ``project`` on a ``sample``, which came from the file ``inputs`` if that is not
    None; pictures go into the folder ``figures``."""

    project: Project
    graph: FixedGraph
    chosen: Chosen | None
    sample: EventSample
    inputs: Path | None
    figures: Path

    def figure(self, name: str) -> Path:
        """Where a picture of this name goes."""
        self.figures.mkdir(exist_ok=True)
        return self.figures / name

    def events(self) -> dict[str, Array]:
        """Of each input the values of the first events, corners left out."""
        if self.sample.given is not None:
            return {name: array[:FIDELITY_EVENTS] for name, array in self.sample.given.items()}
        drawn = (raw[self.sample.corners :][:FIDELITY_EVENTS] for raw in self.sample.raw)
        fractions = (self.graph.edges[name].fraction for name in self.graph.inputs)
        return {
            name: np.ldexp(raw.astype(np.float64), -fraction)
            for name, raw, fraction in zip(self.graph.inputs, drawn, fractions, strict=True)
        }


def measure_fidelity(subject: Subject, progress: StageProgress | None = None) -> Fidelity:
    """Metrics of the system, or of float network against firmware; those of labels; the error of a softmax by tables.

    Raises:
        FirmwareError: the float network or the labels do not fit the firmware.
    """
    metrics: dict[str, Metric | Curve] = {}
    told: list[str] = []
    for measured in _measured(subject, progress):
        told += [] if measured.events is None else [measured.events]
        metrics |= measured.metrics
    return Fidelity(metrics | _softmax(subject), "; ".join(dict.fromkeys(told)) or None)


def _measured(subject: Subject, progress: StageProgress | None) -> Iterator[Fidelity]:
    labels, path = subject.sample.labels, subject.project.reference
    of_networks = labels is not None or (path is not None and subject.chosen is None)
    if subject.chosen is None and not of_networks:
        return
    if progress is not None:
        progress("fidelity", 0, 0)
    if subject.chosen is not None:
        yield _of_system(subject, subject.chosen)
    if of_networks:
        yield _of_networks(subject, labels, path, progress)
    if progress is not None:
        progress("fidelity", len(subject.sample), len(subject.sample))


def _of_system(subject: Subject, chosen: Chosen) -> Fidelity:
    """On the file's events, where the system can; else on its own."""
    seed, figure = subject.project.file.verify.seed, subject.figure(SYSTEM_FIGURE)
    firmware = partial(emulate, subject.graph)
    with absence_named():
        if subject.inputs is not None and (measuring := chosen.measuring) is not None:
            events = subject.events()
            given: Any = events if len(events) > 1 else next(iter(events.values()))
            path = subject.inputs if subject.sample.own_layout else None
            found = measuring.fidelity_on(
                chosen.variant, subject.project.folder, firmware, given, path=path, seed=seed, figure=figure
            )
            if found is not None:
                number = len(next(iter(events.values())))
                return _as_fidelity(found, f"{number:,} events of {subject.sample.source}")
        found = chosen.system.fidelity(
            chosen.variant, subject.project.folder, firmware, events=FIDELITY_EVENTS, seed=seed, figure=figure
        )
    words = f"{chosen} events, seed {seed}"
    if subject.inputs is not None:
        words += f", since those of {subject.inputs.name} tell too little"
    return _as_fidelity(found, words)


def _as_fidelity(found: Any, events: str) -> Fidelity:
    return Fidelity({name: fidelity_metric(metric) for name, metric in found.items()}, events)


def _of_networks(
    subject: Subject, labels: Labels | None, path: Path | None, progress: StageProgress | None
) -> Fidelity:
    """Agreement with the float network of a foreign model, and what labels say of both."""
    events = subject.events()
    number = len(next(iter(events.values())))
    firmware, reference, why_not = _firmware(subject, events), None, ""
    if path is not None:
        reference, firmware, why_not = _reference(subject, path, events, firmware, progress)
    metrics: dict[str, Metric | Curve] = {}
    if reference is not None and subject.chosen is None:
        metrics |= agreement(reference, firmware)
    if labels is not None:
        try:
            metrics |= _judged(subject, reference, firmware, labels.first(number))
        except EventError as error:
            if labels.asked:
                raise
            why_not = str(error)
    return Fidelity(metrics, "; ".join(filter(None, [f"{number:,} events of {subject.sample.source}", why_not])))


def _judged(
    subject: Subject, reference: Outputs | None, firmware: Outputs, labels: Labels
) -> dict[str, Metric | Curve]:
    """What labels say, and the ROC drawn."""
    found = judged(reference, firmware, labels)
    if "roc_auc" in found:
        from hls.project.fidelity.roc_picture import draw_roc  # brings matplotlib

        draw_roc(reference, firmware, labels, subject.figure(ROC_FIGURE))
    return found


def _firmware(subject: Subject, events: dict[str, Array]) -> Outputs:
    found = emulate(subject.graph, events)
    values = tuple(found) if isinstance(found, list) else (found,)
    stated = subject.project.file.model
    edges = [subject.graph.edges[name] for name in subject.graph.outputs]
    between = all(edge.raw_min >= 0 and edge.raw_max <= 2.0**edge.fraction for edge in edges)
    single = all(array.shape[1:] == (1,) for array in values)
    is_class = "argmax" in (stated.softmax, stated.outputs)
    return Outputs(values, stated.softmax == "table" or (single and between and not is_class), is_class)


def _reference(
    subject: Subject, path: Path, events: dict[str, Array], firmware: Outputs, progress: StageProgress | None
) -> tuple[Outputs | None, Outputs, str]:
    """The float network's outputs and the firmware's in the same terms; or why there are none of the first."""
    try:
        found = float_outputs(path, events, of_stage(progress, "float network"))
    except (ToolError, UnsupportedError) as error:
        return None, firmware, f"{path.name} was not computed: {error}"
    stated = subject.project.file.model
    reference = Outputs(found.values, found.ends_in_sigmoid)
    if stated.softmax == "table":
        reference = reference.softmax()
    left_out = stated.statements().last_sigmoid in (DROP, ORDER) and not firmware.probability
    if found.ends_in_sigmoid and left_out and not firmware.is_class:
        firmware = firmware.sigmoid()
    return reference, firmware, ""


def _softmax(subject: Subject) -> dict[str, Metric | Curve]:
    """What a softmax by tables costs, on the events that were verified, corners left out."""
    found = softmax_error(subject.graph, [raw[subject.sample.corners :] for raw in subject.sample.raw])
    if found is None:
        return {}
    return {
        "softmax_error": Metric(reference=0.0, firmware=found.largest, unit="1"),
        "softmax_flips": Metric(reference=0.0, firmware=float(found.flips), unit="events"),
    }
