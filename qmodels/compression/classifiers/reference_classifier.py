"""The reference classifier of fidelity: one PFN for every β, which tells the signals apart after float compression.

log₁₀β is an input of its own, drawn anew for each event in every epoch, as in the training of encoder and decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from qmodels.classification import auc, binary_cross_entropy
from qmodels.compression.classifiers.inputs import scaled
from qmodels.compression.classifiers.parts import parts_of
from qmodels.compression.classifiers.pfn import SIZES, Sides, build_pfn, class_weights, weighted_loss
from qmodels.compression.inputs import LOG10_BETA_RANGE, features, transport_targets
from qmodels.compression.samples.event_sources import CLASSIFIER_OFFSET, event_source
from qmodels.compression.samples.pythia import SIGNALS
from qmodels.compression.trained_folder import CLASSIFIER_FILE, Networks, read_networks
from qmodels.training.loop import Arrays, Fitted, Schedule, fit
from qmodels.training.progress import TrainingProgress
from qmodels.training.records import save_model
from qmodels.types import Floats32

EPOCHS, BATCH, RATE = 20, 512, 2e-3
EVENTS = 20_000
"""Of each signal."""
LABEL = "judge"
_VALIDATION_STREAM, _EPOCH_STREAM = 81, 82
_BLOCK = 2048


class ReferenceClassifierTask:
    """Trains ``classifier`` on clouds (n, N, 3) restored by ``networks``; a ``qmodels.training.loop.Task``."""

    label = LABEL

    def __init__(
        self, classifier: keras.Model, networks: Networks, training: Sides, validation: Sides, seed: int
    ) -> None:
        self.events = training.both
        self.variables: Sequence[keras.Variable] = classifier.trainable_variables
        self._classifier = classifier
        self._networks = networks
        self._clouds, self._labels = _joined(training)
        self._seed = seed
        self._weights = class_weights(len(training.zeros), len(training.ones))
        clouds, labels = _joined(validation)
        self._validation = self._restored(clouds, np.random.default_rng([seed, _VALIDATION_STREAM]))
        self._validation_labels = labels > 0.5

    def epoch_data(self, epoch: int) -> Arrays:
        rng = np.random.default_rng([self._seed, _EPOCH_STREAM, epoch])
        order = rng.permutation(self.events)
        return *self._restored(self._clouds[order], rng), self._labels[order]

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        particles, log10_beta, labels = batch
        return weighted_loss(self._classifier([particles, log10_beta])[:, 0], labels, self._weights)

    def validate(self) -> tuple[float, float]:
        """Loss and AUC over all β together."""
        starts = range(0, len(self._validation_labels), _BLOCK)
        blocks = ([array[start : start + _BLOCK] for array in self._validation] for start in starts)
        logits = np.concatenate([np.asarray(self._classifier(block))[:, 0] for block in blocks])
        ones, zeros = logits[self._validation_labels], logits[~self._validation_labels]
        return binary_cross_entropy(ones, zeros), auc(ones, zeros)

    def _restored(self, clouds: Floats32, rng: np.random.Generator) -> tuple[Floats32, Floats32]:
        log10_beta = rng.uniform(*LOG10_BETA_RANGE, (len(clouds), 1)).astype(np.float32)
        mean, _ = self._networks.encoder(features(clouds), log10_beta)
        return scaled(self._networks.decoder(mean, log10_beta)[0]), log10_beta


def _joined(sides: Sides) -> tuple[Floats32, Floats32]:
    labels = np.repeat(np.array([0, 1], np.float32), [len(sides.zeros), len(sides.ones)])
    return np.concatenate([sides.zeros, sides.ones]), labels


def make_reference_classifier(
    folder: Path,
    *,
    events: int = EVENTS,
    epochs: int = EPOCHS,
    seed: int = 1,
    data: Path | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Fitted:
    """Train ``folder``/judge.h5 for the float networks that are there.

    The events are the first ``events`` of b-to-ks.h5 and of hidden-valley.h5 in ``data``, or are generated.
    """
    collisions = event_source(data, events, seed + CLASSIFIER_OFFSET)
    count = read_networks(folder).count
    zeros, ones = (transport_targets(collisions(name).particles[:events], count) for name in SIGNALS)
    return train_reference_classifier(
        folder, zeros, ones, schedule=Schedule(epochs, BATCH, RATE, seed), progress=progress
    )


def train_reference_classifier(
    folder: Path,
    zeros: Floats32,
    ones: Floats32,
    *,
    schedule: Schedule,
    size: str = "desk",
    progress: Callable[[TrainingProgress], None] | None = None,
) -> Fitted:
    """Train ``folder``/judge.h5 on clouds (n, N, 3) of B → K S and of the hidden valley, as restored by ``folder``.

    Three tenths of the events choose the epoch that is kept; a tenth is left aside.
    """
    networks = read_networks(folder)
    parts = [parts_of(side, schedule.seed + label) for label, side in enumerate((zeros, ones))]
    training = Sides(parts[0].training, parts[1].training)
    validation = Sides(parts[0].validation, parts[1].validation)
    keras.utils.set_random_seed(schedule.seed)
    classifier = build_pfn(SIZES[size], networks.count, features=4, masked=False, conditions=1)
    fitted = fit(
        ReferenceClassifierTask(classifier, networks, training, validation, schedule.seed), schedule, progress=progress
    )
    save_model(classifier, folder / CLASSIFIER_FILE)
    return fitted
