"""What quantization costs, in physics units: correlation with the human variable, BCE and AUC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from qmodels.classification import auc, binary_cross_entropy
from qmodels.event_variables.events import TEST_THETA_STREAM, Events, draw_parameters, generate, stream_rng
from qmodels.event_variables.human import human_variable
from qmodels.event_variables.variants import INPUT_SCALE, Variant
from qmodels.numpy_networks import DenseNetwork, read_dense_network
from qmodels.types import Fidelity, Firmware, Floats, Floats32

MODEL_FILE, CLASSIFIER_FILE = "model.h5", "classifier.h5"
REFERENCE_FILE, REFERENCE_CLASSIFIER_FILE = "reference.h5", "reference_classifier.h5"

UNITS = {"kendall_tau": "1", "spearman": "1", "bce": "nats", "auc": "1"}


@dataclass(frozen=True)
class Sample:
    """Test events and, for each, a fresh Theta from the prior; GeV. The own Theta of events is known if ``told``."""

    variant: Variant
    events: Events
    fresh: Floats32
    told: bool = True

    @property
    def inputs(self) -> Floats32:
        """Network inputs (n, d)."""
        return self.events.inputs * np.float32(INPUT_SCALE)


def draw_sample(variant: Variant, events: int, seed: int) -> Sample:
    """The test events of a seed, which no training sees."""
    fresh = draw_parameters(variant.name, events, stream_rng(seed, TEST_THETA_STREAM))
    return Sample(variant, generate(variant.name, events, seed), fresh)


def given_sample(variant: Variant, inputs: Floats32, parameters: Floats32 | None, seed: int) -> Sample:
    """Network inputs (n, d) of a user's, and their Theta (n, k) in GeV, where it is known."""
    fresh = draw_parameters(variant.name, len(inputs), stream_rng(seed, TEST_THETA_STREAM))
    known = np.empty((len(inputs), 0), np.float32) if parameters is None else parameters
    return Sample(variant, Events(inputs / np.float32(INPUT_SCALE), known), fresh, parameters is not None)


def measure(folder: Path, firmware: Firmware, sample: Sample) -> Fidelity:
    """Metrics of the float reference in ``folder`` and of ``firmware``.

    Without reference.h5 the reference is None; without classifier.h5, or Theta, there is no bce and no auc.
    """
    measured = _metrics(sample, firmware(sample.inputs), _classifier(folder / CLASSIFIER_FILE, sample))
    expected = measure_reference(folder, sample)
    return {
        name: {"reference": expected.get(name), "firmware": value, "unit": UNITS[name]}
        for name, value in measured.items()
    }


def measure_reference(folder: Path, sample: Sample) -> dict[str, float]:
    """Metrics of the float reference in ``folder``; empty without reference.h5."""
    path = folder / REFERENCE_FILE
    if not path.exists():
        return {}
    reference = read_dense_network(path, len(sample.variant.inputs))
    return _metrics(sample, reference(sample.inputs), _classifier(folder / REFERENCE_CLASSIFIER_FILE, sample))


def _classifier(path: Path, sample: Sample) -> DenseNetwork | None:
    there = sample.told and path.exists()
    return read_dense_network(path, 1 + len(sample.variant.parameters)) if there else None


def _metrics(sample: Sample, v: Floats, classifier: DenseNetwork | None) -> dict[str, float]:
    _, tau, spearman = correlations(v, human_variable(sample.variant.name, sample.events.inputs))
    metrics = {"kendall_tau": tau, "spearman": spearman}
    if classifier is not None:
        true, fresh = (_logits(classifier, v, theta) for theta in (sample.events.parameters, sample.fresh))
        metrics |= {"bce": binary_cross_entropy(true, fresh), "auc": auc(true, fresh)}
    return metrics


def _logits(classifier: DenseNetwork, v: Floats, theta: Floats32) -> Floats:
    rows = np.concatenate([v.reshape(len(theta), 1), theta * INPUT_SCALE], axis=1)
    logits: Floats = classifier(rows)[:, 0]
    return logits


def correlations(v: Floats, human: Floats) -> tuple[float, float, float]:
    """Overall sign of V that makes tau positive, and with it Kendall tau-b and Spearman r_s.

    Both are 0 for a V that is the same in every event, where they are undefined: it orders nothing.
    """
    if np.ptp(v) == 0.0:
        return 1.0, 0.0, 0.0
    tau = float(stats.kendalltau(v.ravel(), human).statistic)
    spearman = float(stats.spearmanr(v.ravel(), human).statistic)
    sign = 1.0 if tau >= 0.0 else -1.0
    return sign, sign * tau, sign * spearman
