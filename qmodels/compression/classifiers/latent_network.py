"""A dense network that tells the two signals apart by what is sent of them, latents and the numbers beside these.

An encoder codes a turned event as another one, so each epoch sends every event anew, turned about the beam and
mirrored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from qmodels.classification import Auc, auc, binary_cross_entropy, measured_auc
from qmodels.compression.classifiers.parts import parts_of
from qmodels.compression.classifiers.pfn import Sides, class_weights, scores, weighted_loss
from qmodels.compression.events import moved
from qmodels.training.loop import Arrays, Schedule, fit
from qmodels.types import Floats, Floats32

UNITS = (128, 128, 64)
EPOCHS, BATCH, RATE = 40, 256, 2e-3
_EPOCH_STREAM, _SENDING_STREAM = 75, 76
_VISIBLE, _HT = 64.0, 64.0
"""Units of the numbers beside the latents, which are of order 1 themselves; H_T, in GeV, enters as a logarithm."""

Sender = Callable[[Floats32, np.random.Generator], Floats]
"""From clouds (n, N, 3) to the latents (n, L) that a receiver has of them."""


@dataclass(frozen=True, eq=False)
class Events:
    """Events of one class: ``clouds`` (n, N, 3), and ``beside`` (n, k), what goes beside their latents."""

    clouds: Floats32
    beside: Floats32


def beside(visible: Floats, ht: Floats) -> Floats32:
    """Number of particles (n,) and H_T in GeV (n,) as a network takes them, (n, 2)."""
    return np.stack([visible / _VISIBLE, np.log(np.maximum(ht, 1.0) / _HT)], axis=1).astype(np.float32)


def train_latent_network(sides: Sequence[Events], send: Sender, seed: int, label: str) -> Auc:
    """AUC of a network on what ``send`` makes of each class's events, of those that it has not seen.

    Raises ModelDataError where a class has too few events to be split.
    """
    parts = [parts_of(np.arange(len(side.clouds)), seed + index) for index, side in enumerate(sides)]
    seen, validation, test = (
        [_chosen(side, getattr(part, name)) for side, part in zip(sides, parts, strict=True)]
        for name in ("training", "validation", "test")
    )
    rng = np.random.default_rng([seed, _SENDING_STREAM])
    keras.utils.set_random_seed(seed)
    task = LatentTask(label, seen, Sides(*(_sent(side, send, rng) for side in validation)), send, seed)
    fit(task, Schedule(EPOCHS, BATCH, RATE, seed))
    zeros, ones = (scores(task.model, _sent(side, send, rng)) for side in test)
    return measured_auc(ones, zeros)


class LatentTask:
    """A network on events of two classes, as sent; a ``qmodels.training.loop.Task``."""

    def __init__(self, label: str, training: Sequence[Events], validation: Sides, send: Sender, seed: int) -> None:
        self.label = label
        self.events = sum(len(side.clouds) for side in training)
        self.model = _network(validation.zeros.shape[1])
        self.variables: Sequence[keras.Variable] = self.model.trainable_variables
        self._clouds = np.concatenate([side.clouds for side in training])
        self._beside = np.concatenate([side.beside for side in training])
        self._labels = np.repeat(np.array([0, 1], np.float32), [len(side.clouds) for side in training])
        self._weights = class_weights(*(len(side.clouds) for side in training))
        self._validation = validation
        self._send = send
        self._seed = seed

    def epoch_data(self, epoch: int) -> Arrays:
        rng = np.random.default_rng([self._seed, _EPOCH_STREAM, epoch])
        order = rng.permutation(self.events)
        turned = moved(self._clouds[order], 0, rng)
        return _sent(Events(turned, self._beside[order]), self._send, rng), self._labels[order]

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        features, labels = batch
        return weighted_loss(self.model(features)[:, 0], labels, self._weights)

    def validate(self) -> tuple[float, float]:
        zeros, ones = (scores(self.model, side) for side in (self._validation.zeros, self._validation.ones))
        return binary_cross_entropy(ones, zeros), auc(ones, zeros)


def _network(features: int) -> keras.Model:
    given = keras.Input((features,))
    values: Any = given
    for units in UNITS:
        values = keras.layers.Dense(units, activation="relu", kernel_initializer="he_uniform")(values)
    return keras.Model(given, keras.layers.Dense(1)(values))


def _chosen(side: Events, index: Any) -> Events:
    return Events(side.clouds[index], side.beside[index])


def _sent(side: Events, send: Sender, rng: np.random.Generator) -> Floats32:
    return np.concatenate([send(side.clouds, rng), side.beside], axis=1).astype(np.float32)
