"""How far a quantized network is from the float one: in its outputs, its decisions, and what its labels say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.errors import EventError, ProjectError
from hls.project.fidelity.statistics import accuracy, mean_auc

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Goal:
    """``metric`` is to stay below ``limit``."""

    metric: str
    limit: float

    def met(self, found: Mapping[str, float]) -> bool:
        """Whether it is."""
        return found[self.metric] < self.limit

    def __str__(self) -> str:
        return f"{self.metric}<{self.limit:g}"


def parse_goal(text: str, known: Sequence[str]) -> Goal:
    """``"auc_loss<0.005"``.

    Raises:
        ProjectError: it is not of this form, or the metric is not known here.
    """
    match = re.fullmatch(r"\s*([a-z_]+)\s*<=?\s*([0-9.eE+-]+)\s*", text)
    if match is None:
        raise ProjectError(f"--budget {text!r}: write it like 'error<0.02'")
    if match[1] not in known:
        more = "" if "auc_loss" in known else "; auc_loss and accuracy_loss need --labels"
        raise ProjectError(f"--budget {text!r}: metrics of this network are {', '.join(known)}{more}")
    try:
        return Goal(match[1], float(match[2]))
    except ValueError as error:
        raise ProjectError(f"--budget {text!r}: {match[2]!r} is no number") from error


def check_labels(scores: Floats, labels: Integers, where: str) -> None:
    """Raise EventError unless every label of the file ``where`` names one of the classes that ``scores`` tell."""
    if scores.ndim != 2:
        raise EventError(f"{where}: labels tell classes, and the output of this network, {scores.shape[1:]}, none")
    classes = max(scores.shape[1], 2)
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise EventError(f"{where}: label {wrong[0]}; the network tells {classes} classes, 0 to {classes - 1}")


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares outputs with those of the float network; ``labels`` are class numbers, one an event."""

    reference: tuple[Floats, ...]
    labels: Integers | None

    def metrics(self) -> tuple[str, ...]:
        """What it can judge by."""
        scores = self.reference[0]
        several = scores.ndim == 2 and scores.shape[1] > 1 and len(self.reference) == 1
        return ("error", *(("flips",) * several), *(("auc_loss", "accuracy_loss") * (self.labels is not None)))

    def __call__(self, outputs: Sequence[Floats]) -> dict[str, float]:
        """Every metric for the outputs of the first events."""
        events = len(outputs[0])
        reference = [array[:events] for array in self.reference]
        return {name: _METRICS[name](reference, outputs, self._labels(events)) for name in self.metrics()}

    def last(self, events: int) -> Judge:
        """The judge of so many events from the end."""
        labels = None if self.labels is None else self.labels[-events:]
        return Judge(tuple(array[-events:] for array in self.reference), labels)

    def _labels(self, events: int) -> Integers:
        return np.zeros(0, np.int64) if self.labels is None else self.labels[:events]


def _error(reference: Sequence[Floats], outputs: Sequence[Floats], _labels: Integers) -> float:
    """Root mean square of the difference over the standard deviation of the float outputs."""
    flat = [np.concatenate([np.ravel(a) for a in arrays]).astype(np.float64) for arrays in (reference, outputs)]
    spread = float(flat[0].std()) or 1.0
    return float(np.sqrt(np.mean(np.square(flat[0] - flat[1])))) / spread


def _flips(reference: Sequence[Floats], outputs: Sequence[Floats], _labels: Integers) -> float:
    """Fraction of events whose largest score is another."""
    return float(np.mean(reference[0].argmax(axis=1) != outputs[0].argmax(axis=1)))


def _auc_loss(reference: Sequence[Floats], outputs: Sequence[Floats], labels: Integers) -> float:
    return mean_auc(reference[0], labels) - mean_auc(outputs[0], labels)


def _accuracy_loss(reference: Sequence[Floats], outputs: Sequence[Floats], labels: Integers) -> float:
    return accuracy(reference[0], labels) - accuracy(outputs[0], labels)


_METRICS: dict[str, Callable[[Sequence[Floats], Sequence[Floats], Integers], float]] = {
    "error": _error,
    "flips": _flips,
    "auc_loss": _auc_loss,
    "accuracy_loss": _accuracy_loss,
}
