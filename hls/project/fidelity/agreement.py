"""Firmware against float network, and both against labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hls.errors import EventError, ProjectError
from hls.events import Labels
from hls.project.fidelity.statistics import auc, chosen, efficiencies, probabilities
from hls.project.report.schema import Curve, CurvePoint, Metric

Floats = npt.NDArray[np.floating]

BACKGROUND = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Background efficiencies at which the ROC is tabulated, as far as background events are there to tell."""
_TOLD = 10
"""Background events that pass, at least, where an efficiency is stated."""
_MOST_CLASSES = 10


@dataclass(frozen=True, eq=False)
class Outputs:
    """Of one network, an array (events, *shape) an output.

    Scores are logits, or each a ``probability``. ``is_class``: the output is the number of the class itself.
    """

    values: tuple[Floats, ...]
    probability: bool = False
    is_class: bool = False

    def sigmoid(self) -> Outputs:
        """Logits as probabilities."""
        with np.errstate(over="ignore"):
            values = tuple(1.0 / (1.0 + np.exp(-array.astype(np.float64))) for array in self.values)
        return replace(self, values=values, probability=True)

    def softmax(self) -> Outputs:
        """The logits of several classes as probabilities, where that is what there is."""
        values = tuple(probabilities(array) if _classifies(array) else array for array in self.values)
        return replace(self, values=values, probability=True)

    def classes(self) -> npt.NDArray[np.integer]:
        """Of every event, by the only output."""
        (only,) = self.values
        return np.rint(only[:, 0]).astype(np.int64) if self.is_class else chosen(only, 0.5 if self.probability else 0.0)


def _classifies(array: Floats) -> bool:
    return array.ndim == 2 and array.shape[1] > 1


def agreement(reference: Outputs, firmware: Outputs) -> dict[str, Metric]:
    """``error``, of all outputs, and ``flips``, of the class.

    Raises:
        ProjectError: the networks have outputs of other shapes.
    """
    found = {}
    if not firmware.is_class:
        shapes = [[array.shape[1:] for array in side.values] for side in (reference, firmware)]
        if shapes[0] != shapes[1]:
            told = " and ".join(", ".join(map(str, side)) for side in shapes)
            raise ProjectError(f"reference and firmware have outputs of shape {told}; name the float network")
        found["error"] = Metric(reference=0.0, firmware=_error(reference, firmware), unit="of the float spread")
    if len(reference.values) == 1 and (_classifies(reference.values[0]) or reference.probability):
        flips = float(np.mean(reference.classes() != firmware.classes()))
        found["flips"] = Metric(reference=0.0, firmware=flips, unit="of events")
    return found


def _error(reference: Outputs, firmware: Outputs) -> float:
    """Root mean square of the difference over the standard deviation of the float outputs."""
    true, ours = (np.concatenate([a.ravel() for a in side.values]).astype(np.float64) for side in (reference, firmware))
    return float(np.sqrt(np.mean(np.square(true - ours)))) / (float(true.std()) or 1.0)


def judged(reference: Outputs | None, firmware: Outputs, labels: Labels) -> dict[str, Metric | Curve]:
    """``accuracy``, ``roc_auc`` and the signal efficiency at some background efficiencies.

    Raises:
        EventError: the network tells no classes, or others.
    """
    _require_classes(firmware, reference, labels)
    truth = labels.classes
    found: dict[str, Metric | Curve] = {
        "accuracy": _of_both(reference, firmware, lambda side: float(np.mean(side.classes() == truth)))
    }
    if firmware.is_class or len(np.unique(truth)) < 2:
        return found
    found["roc_auc"] = _of_both(reference, firmware, lambda side: _area(side, labels))
    return found | dict(_efficiency_curves(reference, firmware, labels))


def _of_both(reference: Outputs | None, firmware: Outputs, figure: Callable[[Outputs], float]) -> Metric:
    return Metric(reference=None if reference is None else figure(reference), firmware=figure(firmware), unit="1")


def _require_classes(firmware: Outputs, reference: Outputs | None, labels: Labels) -> None:
    first = firmware.values[0]
    if len(firmware.values) > 1 or first.ndim != 2:
        raise EventError(f"{labels.where}: labels tell classes, and this network has no single row of scores")
    if firmware.is_class:
        number = int(firmware.values[0].max()) + 1 if reference is None else reference.values[0].shape[1]
        wrong = labels.classes[labels.classes < 0]
    else:
        number = max(first.shape[1], 2)
        wrong = labels.classes[(labels.classes < 0) | (labels.classes >= number)]
    if len(wrong):
        raise EventError(f"{labels.where}: label {wrong[0]}; the network tells {number} classes, 0 to {number - 1}")


def _area(side: Outputs, labels: Labels) -> float:
    """Area under the ROC, averaged over the classes that are told from all others."""
    told = [1] if side.values[0].shape[1] == 1 else np.unique(labels.classes)
    return float(np.mean([auc(class_scores(side, int(label)), labels.classes == label) for label in told]))


def signals(firmware: Outputs, labels: Labels) -> list[int]:
    """Classes that are told from all others: of a single score the signal, of several those that there are."""
    if firmware.values[0].shape[1] == 1:
        return [1]
    return [int(label) for label in np.unique(labels.classes)][:_MOST_CLASSES]


def class_scores(outputs: Outputs, label: int) -> Floats:
    """By which one class is told from the others."""
    scores = outputs.values[0]
    if scores.shape[1] == 1:
        return scores[:, 0]
    return scores[:, label] if outputs.probability else probabilities(scores)[:, label]


def _efficiency_curves(reference: Outputs | None, firmware: Outputs, labels: Labels) -> Iterator[tuple[str, Curve]]:
    for label in signals(firmware, labels):
        signal = labels.classes == label
        at = [value for value in BACKGROUND if value * int((~signal).sum()) >= _TOLD]
        if not at or not signal.any():
            continue
        true, ours = (
            None if side is None else np.interp(at, *efficiencies(class_scores(side, label), signal))
            for side in (reference, firmware)
        )
        points = [
            CurvePoint(at=value, reference=None if true is None else true[n], firmware=0.0 if ours is None else ours[n])
            for n, value in enumerate(at)
        ]
        name = "signal_efficiency" if firmware.values[0].shape[1] == 1 else f"efficiency_of_class_{label}"
        yield name, Curve(unit="1", over="background efficiency", points=points)
