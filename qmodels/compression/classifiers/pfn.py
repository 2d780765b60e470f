"""Particle flow networks that tell the two signals apart (arXiv:1810.05165, sizes of arXiv:2210.11489, App. C).

Class 0 is B → K S, class 1 the hidden valley. One output, the logit of class 1, stands for the published softmax over
two: the same function with one number fewer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from qmodels.classification import Auc, auc, binary_cross_entropy, measured_auc
from qmodels.compression.classifiers.inputs import moved
from qmodels.compression.classifiers.parts import parts_of
from qmodels.layers import GlobalSumPooling1D
from qmodels.training.loop import Arrays, Schedule, fit
from qmodels.training.progress import Report
from qmodels.types import Floats32

_EPOCH_STREAM = 72
_BLOCK = 2048


@dataclass(frozen=True)
class PfnSize:
    """Units of the layers before the sum over particles (Φ) and after it (F)."""

    phi: tuple[int, ...]
    f: tuple[int, ...]


SIZES = {"desk": PfnSize((64, 64), (64, 64)), "paper": PfnSize((128, 128, 128), (128, 128, 128))}


@dataclass(frozen=True)
class PfnTraining:
    """How a classifier of this ``size`` is trained with Adam.

    ``moved``: each epoch turns and mirrors the events.
    """

    size: PfnSize
    epochs: int
    batch: int
    learning_rate: float
    moved: bool = False

    def schedule(self, seed: int) -> Schedule:
        """Its epochs, the best of which is kept."""
        return Schedule(self.epochs, self.batch, self.learning_rate, seed)


TRAININGS = {
    "desk": PfnTraining(SIZES["desk"], epochs=10, batch=256, learning_rate=2e-3),
    "paper": PfnTraining(SIZES["paper"], epochs=100, batch=256, learning_rate=1e-3, moved=True),
}
"""Half a minute on one core for 12,000 training events of 50 particles, and more than an hour.

The published 200 epochs are of batches of 1000 at 1e-3, for hundreds of thousands of events.
"""


@dataclass(frozen=True)
class Checkpoints:
    """A folder for the checkpoints of classifiers, each under its label, and whether to go on from those there."""

    folder: Path
    resume: bool = False

    def of(self, label: str) -> Path:
        """That of the classifier called ``label``."""
        return self.folder / f"{label.replace(' ', '-')}.npz"


@dataclass(frozen=True)
class Classified:
    """A trained classifier and its AUC on the test events."""

    model: keras.Model
    auc: Auc


def build_pfn(size: PfnSize, particles: int, features: int, *, masked: bool, conditions: int = 0) -> keras.Model:
    """Inputs ``particles`` (particles, features) and, if ``conditions``, ``log10_beta`` (conditions,); output: a logit.

    ``masked`` leaves particles out of the sum whose first feature, pT, is 0: the padding. Without it the network is one
    that :mod:`qmodels.compression.networks` computes; reconstructions have no padding.
    """
    cloud = keras.Input((particles, features), name="particles")
    values = cloud
    for index, units in enumerate(size.phi):
        values = _dense(units, f"phi_{index}")(values)
    if masked:
        present = keras.ops.cast(keras.ops.greater(cloud[..., :1], 0.0), "float32")
        values = keras.layers.Multiply(name="mask")([values, present])
    values = GlobalSumPooling1D(_power_of_two(particles), name="sum")(values)
    inputs = cloud
    if conditions:
        given = keras.Input((conditions,), name="log10_beta")
        values = keras.layers.Concatenate(name="conditions")([values, given])
        inputs = [cloud, given]
    for index, units in enumerate(size.f):
        values = _dense(units, f"f_{index}")(values)
    return keras.Model(inputs, keras.layers.Dense(1, name="logit")(values), name="pfn")


def _dense(units: int, name: str) -> keras.layers.Dense:
    return keras.layers.Dense(units, activation="relu", kernel_initializer="he_uniform", name=name)


def _power_of_two(particles: int) -> int:
    """The sum of many particles starts at the size of one, which trains sooner than the plain sum."""
    return 1 << (particles.bit_length() - 1)


@dataclass(frozen=True, eq=False)
class Sides:
    """One part of the events (training, validation or test): features of class 0 and of class 1, (n, N, f) each."""

    zeros: Floats32
    ones: Floats32

    @property
    def both(self) -> int:
        return len(self.zeros) + len(self.ones)


class PfnTask:
    """A classifier of ``training``; classes of unequal size weigh the same. A ``qmodels.training.loop.Task``."""

    def __init__(
        self, label: str, model: keras.Model, training: Sides, validation: Sides, seed: int, *, moved: bool = False
    ) -> None:
        self.label = label
        self.events = training.both
        self.variables: Sequence[keras.Variable] = model.trainable_variables
        self._model = model
        self._features = np.concatenate([training.zeros, training.ones])
        self._labels = np.repeat(np.array([0, 1], np.float32), [len(training.zeros), len(training.ones)])
        self._validation = validation
        self._seed = seed
        self._moved = moved
        self.options = {"moved": moved, "data": hashlib.sha256(self._features.tobytes()).hexdigest()[:12]}
        self._weights = class_weights(len(training.zeros), len(training.ones))

    def epoch_data(self, epoch: int) -> Arrays:
        rng = np.random.default_rng([self._seed, _EPOCH_STREAM, epoch])
        order = rng.permutation(self.events)
        features = self._features[order]
        return (moved(features, rng) if self._moved else features), self._labels[order]

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        features, labels = batch
        return weighted_loss(self._model(features)[:, 0], labels, self._weights)

    def validate(self) -> tuple[float, float]:
        zeros, ones = (scores(self._model, side) for side in (self._validation.zeros, self._validation.ones))
        return binary_cross_entropy(ones, zeros), auc(ones, zeros)


def class_weights(zeros: int, ones: int) -> tf.Tensor:
    """Weights of so many events of class 0 and class 1 with which both count the same, N/(2 N_c)."""
    return tf.constant((zeros + ones) / (2.0 * np.array([zeros, ones])), tf.float32)


def weighted_loss(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy (nats) of logits (b,) and labels 0 or 1 (b,), with the weight of each class."""
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(losses * tf.where(labels > 0.5, weights[1], weights[0]))


def scores(model: keras.Model, features: Floats32) -> Floats32:
    """Logits (n,) of events (n, N, f)."""
    blocks = (features[start : start + _BLOCK] for start in range(0, len(features), _BLOCK))
    return np.concatenate([np.asarray(model(block), np.float32)[:, 0] for block in blocks])


def train_classifier(
    features: Sequence[Floats32],
    training: PfnTraining,
    seed: int,
    label: str = "pfn",
    *,
    checkpoints: Checkpoints | None = None,
    progress: Report | None = None,
) -> Classified:
    """Train a fresh PFN on ``features`` (n, N, f) of class 0 and class 1; its AUC is of events it has not seen.

    Raises:
        ModelDataError: a class has too few events to be split, or a checkpoint is of another training.
    """
    zeros, ones = (parts_of(side, seed + index) for index, side in enumerate(features))
    seen, validation = Sides(zeros.training, ones.training), Sides(zeros.validation, ones.validation)
    keras.utils.set_random_seed(seed)
    model = build_pfn(training.size, *zeros.test.shape[1:], masked=True)
    fit(
        PfnTask(label, model, seen, validation, seed, moved=training.moved),
        training.schedule(seed),
        checkpoint=None if checkpoints is None else checkpoints.of(label),
        resume=checkpoints is not None and checkpoints.resume,
        progress=progress,
    )
    return Classified(model, measured_auc(scores(model, ones.test), scores(model, zeros.test)))
