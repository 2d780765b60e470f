"""What a score is worth: signals told from background, by area and at a rate that a trigger can keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import poisson

from qmodels.anomaly.events import cached_collisions
from qmodels.anomaly.sample_files import read_sample, sample_of, samples_in
from qmodels.anomaly.samples.blocks import COCKTAIL
from qmodels.anomaly.scores import reference_score
from qmodels.anomaly.symmetry import multiplied
from qmodels.anomaly.variants import Variant
from qmodels.classification import auc
from qmodels.types import Fidelity, Firmware, Floats32, Floats64

MODEL_FILE, REFERENCE_FILE = "model.h5", "reference.h5"

FALSE_POSITIVES = 1e-5
"""Part of the background's events that may be kept: the published working point."""
CROSSINGS_HZ, RATE_HZ = 40e6, 1e3
"""Bunch crossings a second, taken as so many events of the background, and how many of those a trigger may keep."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Events (n, 19, 3) of the background, and of signals by name."""

    background: Floats32
    signals: Mapping[str, Floats32]


def draw_sample(events: int, seed: int) -> Sample:
    """``events`` of the background and as many of each signal, each collision turned and mirrored many times."""
    collisions = cached_collisions(seed)
    made = {name: multiplied(collisions[name], events, seed + place) for place, name in enumerate(collisions, start=1)}
    return Sample(made.pop(COCKTAIL), made)


@dataclass(frozen=True, eq=False)
class Scores:
    """Of the background's events (n,), and of the signals'."""

    background: Floats64
    signals: Mapping[str, Floats64]

    def threshold(self, part: float) -> float:
        """The lowest score above which there are no more than this ``part`` of the background's events."""
        return self._score_below(int(part * len(self.background)))

    def efficiency(self, name: str, part: float) -> float:
        """Part of a signal's events above that threshold."""
        return self._passing(name, self.threshold(part))

    def efficiency_range(self, name: str, part: float) -> tuple[float, float]:
        """Between which efficiencies that of the true threshold lies.

        Above it there are as many events of the background as chance will have: within one standard deviation of a
        Poisson distribution, whatever the scores look like. Where there may be none, it may be any score above all.
        The background's events have to be independent.
        """
        few, many = (int(count) for count in poisson.ppf((0.16, 0.84), part * len(self.background)))
        least = self._passing(name, self._score_below(few - 1)) if few else 0.0
        return least, self._passing(name, self._score_below(many))

    def _score_below(self, allowed: int) -> float:
        """The lowest score above which there are no more than ``allowed`` events of the background."""
        return float(np.partition(self.background, len(self.background) - 1 - allowed)[-1 - allowed])

    def _passing(self, name: str, threshold: float) -> float:
        return float((self.signals[name] > threshold).mean())


def firmware_scores(variant: Variant, firmware: Firmware, sample: Sample) -> Scores:
    """What ``firmware``, from inputs (n, 57) to scores (n, 1), gives to a sample."""
    return _scores(sample, lambda events: np.asarray(firmware(variant.form.inputs(events)), np.float64)[:, 0])


def float_scores(variant: Variant, folder: Path, sample: Sample) -> Scores | None:
    """What the float network in ``folder`` gives, None if there is none."""
    path = folder / REFERENCE_FILE
    if not path.exists():
        return None
    return _scores(sample, lambda events: reference_score(variant, path, variant.form.inputs(events)))


def _scores(sample: Sample, score: Callable[[Floats32], Floats64]) -> Scores:
    return Scores(score(sample.background), {name: score(events) for name, events in sample.signals.items()})


def measure_file(
    variant: Variant, folder: Path, firmware: Firmware, inputs: Floats32, path: Path, figure: Path | None
) -> Fidelity | None:
    """Metrics on ``inputs`` (n, 57), the first of event file ``path``, as background, and on what files of signals lie
    beside it, no more of each; None if the file itself is one of a signal."""
    if sample_of(path) not in (None, COCKTAIL):
        return None
    beside = {name: file for name, file in samples_in(path.parent).items() if name != COCKTAIL and file != path}
    signals = {name: variant.form.inputs(read_sample(file, len(inputs), Counter())) for name, file in beside.items()}

    def scores(score: Callable[[Floats32], Floats64]) -> Scores:
        return Scores(score(inputs), {name: score(events) for name, events in signals.items()})

    scored = scores(lambda events: np.asarray(firmware(events), np.float64)[:, 0])
    network = folder / REFERENCE_FILE
    reference = scores(lambda events: reference_score(variant, network, events)) if network.exists() else None
    if figure is not None and signals:
        from qmodels.anomaly.plots import draw_roc  # brings matplotlib

        draw_roc(scored, reference, figure)
    return measure(scored, reference)


def measure(firmware: Scores, reference: Scores | None) -> Fidelity:
    """AUC and efficiency at ``FALSE_POSITIVES`` of each signal, and the thresholds, of firmware and float reference."""
    expected = {} if reference is None else _metrics(reference)
    return {
        name: {"reference": expected.get(name), "firmware": value, "unit": _unit(name)}
        for name, value in _metrics(firmware).items()
    }


def _metrics(scores: Scores) -> dict[str, float]:
    metrics = {}
    for name, signal in scores.signals.items():
        key = name.replace("-", "_")
        metrics[f"auc_{key}"] = auc(signal, scores.background)
        metrics[f"efficiency_{key}"] = scores.efficiency(name, FALSE_POSITIVES)
    metrics["threshold_1khz"] = scores.threshold(RATE_HZ / CROSSINGS_HZ)
    return metrics


def _unit(name: str) -> str:
    return "score" if name.startswith("threshold") else "1"
