"""Training of jet networks: cross-entropy of five classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from qmodels.jets.metrics import Classes, cross_entropy, macro_auc
from qmodels.jets.samples.columns import CLASSES
from qmodels.jets.samples.files import Jets
from qmodels.jets.variants import THREE, Variant
from qmodels.training.loop import Arrays
from qmodels.training.run import Run
from qmodels.training.stages import Stage
from qmodels.types import Floats32

VALIDATION_FRACTION = 0.1
_BLOCK = 4096
EPOCH_STREAM, SPLIT_STREAM = range(2)
MIRRORED = ("j1_etarel", "j1_phirel")
"""Turned over at random where a network reads THREE: no jet looks less likely in a mirror."""


class JetTask:
    """A network trained on ``inputs`` (n, ...) and ``classes`` (n,); a tenth, chosen at random, is for validation."""

    def __init__(
        self, label: str, variant: Variant, network: keras.Model, inputs: Floats32, classes: Classes, seed: int
    ) -> None:
        order, self.events = split(len(inputs), seed)
        self.label = label
        self.variables: Sequence[keras.Variable] = list(network.trainable_variables)
        self._network, self._seed = network, seed
        self._inputs, self._classes = inputs[order], classes[order]
        self._targets = np.eye(len(CLASSES), dtype=np.float32)[self._classes]
        self._mirrored = [variant.columns.index(name) for name in MIRRORED] if variant.columns == THREE else []
        self._logits = tf.function(network, autograph=False)
        self._compiled_logits = tf.function(
            network, jit_compile=True, autograph=False
        )  # pays where it is asked hundreds of times

    def epoch_data(self, epoch: int) -> Arrays:
        """Inputs, some of them mirrored, and classes, shuffled."""
        rng = _rng(self._seed, EPOCH_STREAM, epoch)
        order = rng.permutation(self.events)
        inputs = self._inputs[order]
        for column in self._mirrored:
            inputs[..., column] *= rng.choice(np.array([-1.0, 1.0], np.float32), (len(inputs), 1))
        return inputs, self._targets[order]

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        """Mean cross-entropy in nats."""
        inputs, targets = batch
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, self._network(inputs)))

    def validate(self) -> tuple[float, float]:
        """Cross-entropy and macro AUC of the validation jets."""
        inputs, classes = self._inputs[self.events :], self._classes[self.events :]
        blocks = [np.asarray(self._logits(inputs[s : s + _BLOCK])) for s in range(0, len(inputs), _BLOCK)]
        logits = np.concatenate(blocks)
        return cross_entropy(logits, classes), macro_auc(logits, classes)

    def trained_loss(self, most: int) -> float:
        """Cross-entropy of ``most`` of the jets trained on: what is chosen by it leaves those of validation unseen."""
        rows = slice(min(most, self.events))
        return cross_entropy(np.asarray(self._compiled_logits(self._inputs[rows])), self._classes[rows])


@dataclass(frozen=True, kw_only=True)
class JetRun(Run):
    """One training of networks of ``variant`` on ``jets``."""

    variant: Variant
    jets: Jets

    def task(self, stage: Stage, network: keras.Model) -> JetTask:
        """``network`` trained on the jets of this run."""
        return JetTask(stage.label, self.variant, network, self.inputs(), self.jets.classes, self.seed)

    def inputs(self) -> Floats32:
        """Network inputs of all its jets."""
        return self.variant.inputs(self.jets)


def split(jets: int, seed: int) -> tuple[npt.NDArray[np.int64], int]:
    """An order of so many jets, and how many of them, from the first on, are trained on: the others validate."""
    return _rng(seed, SPLIT_STREAM).permutation(jets), jets - int(VALIDATION_FRACTION * jets)


def _rng(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))
