"""Training of event-variable networks: the two classes of arXiv:2105.10126 and their binary cross-entropy.

Class 1 pairs an event with the Theta that made it, class 0 with a Theta drawn afresh from the prior. Every
event serves both classes in every batch: V is computed once and meets both Thetas, which keeps the classes
exactly 50-50 and costs half. The class-0 Thetas are drawn anew each epoch from (seed, epoch), so they cannot
be learned by heart. Batches are larger than the paper's 50, for speed, and the rate falls along a cosine,
because at a constant rate the third example's correlation with m_T2 swings by 0.1 from epoch to epoch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from qmodels.classification import auc, binary_cross_entropy
from qmodels.event_variables.events import (
    EPOCH_STREAM,
    TRAINING_STREAM,
    VALIDATION_THETA_STREAM,
    draw_parameters,
    generate,
    stream_rng,
)
from qmodels.event_variables.variants import INPUT_SCALE, PAIR, Variant
from qmodels.training.loop import Arrays, Schedule
from qmodels.training.run import Run
from qmodels.training.stages import Stage
from qmodels.types import Floats32

VALIDATION_FRACTION = 0.2
VALIDATION_BLOCK = 1 << 15

RATE_FACTORS = {PAIR.name: 0.5}
"""The pair's two classes differ least, so the noise of its gradients drowns the slope at the others' rate."""


class EvnTask:
    """EVN and classifier trained together on ``events`` events, the last fifth kept for validation.

    The scale of V is free, and a quantized EVN lets it grow, which shrinks its steps, until V saturates and
    the network is lost: |V| beyond ``v_limit`` is therefore charged its square.
    """

    def __init__(
        self,
        label: str,
        variant: Variant,
        evn: keras.Model,
        classifier: keras.Model,
        events: int,
        seed: int,
        v_limit: float = math.inf,
    ) -> None:
        sample = generate(variant.name, events, seed, stream=TRAINING_STREAM)
        self.label = label
        self.events = events - int(VALIDATION_FRACTION * events)
        self.variables: Sequence[keras.Variable] = [*evn.trainable_variables, *classifier.trainable_variables]
        self._variant = variant
        self._evn = evn
        self._classifier = classifier
        self._seed = seed
        self._v_limit = v_limit
        self._inputs = sample.inputs * np.float32(INPUT_SCALE)
        self._theta = sample.parameters * np.float32(INPUT_SCALE)
        self._validation_theta = self._draw(events - self.events, stream_rng(seed, VALIDATION_THETA_STREAM))
        self._logits = tf.function(self._both_logits, autograph=False)

    def epoch_data(self, epoch: int) -> Arrays:
        order = stream_rng(self._seed, EPOCH_STREAM, epoch, 0).permutation(self.events)
        fresh = self._draw(self.events, stream_rng(self._seed, EPOCH_STREAM, epoch, 1))
        return self._inputs[order], self._theta[order], fresh

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        v, true, fresh = self._both_logits(*batch)
        excess = tf.reduce_mean(tf.square(tf.nn.relu(tf.abs(v) - self._v_limit)))
        return 0.5 * tf.reduce_mean(tf.nn.softplus(-true) + tf.nn.softplus(fresh)) + excess

    def validate(self) -> tuple[float, float]:
        true, fresh = self.validation_logits()
        return binary_cross_entropy(true, fresh), auc(true, fresh)

    def validation_logits(self, events: int | None = None) -> tuple[Floats32, Floats32]:
        """Logits (n,) of the validation events, or the first ``events``, with their true and their fresh Theta."""
        inputs, theta = (array[self.events :][:events] for array in (self._inputs, self._theta))
        fresh = self._validation_theta[:events]
        parts = []
        for start in range(0, len(inputs), VALIDATION_BLOCK):
            part = slice(start, start + VALIDATION_BLOCK)
            parts.append(self._logits(inputs[part], theta[part], fresh[part]))
        return np.concatenate([p[1] for p in parts])[:, 0], np.concatenate([p[2] for p in parts])[:, 0]

    def _both_logits(
        self, inputs: tf.Tensor, theta: tf.Tensor, fresh: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """V, its logits with the true and with the fresh Theta; each (n, 1)."""
        v = self._evn(inputs)
        rows = tf.concat([tf.concat([v, theta], axis=1), tf.concat([v, fresh], axis=1)], axis=0)
        true, other = tf.split(self._classifier(rows), 2)
        return v, true, other

    def _draw(self, n: int, rng: np.random.Generator) -> Floats32:
        return draw_parameters(self._variant.name, n, rng) * np.float32(INPUT_SCALE)


@dataclass(frozen=True, kw_only=True)
class EvnRun(Run):
    """One training of event-variable networks, on ``events`` events drawn anew."""

    variant: Variant
    events: int

    def schedule(self, stage: Stage) -> Schedule:
        """At the rate at which this variant learns."""
        schedule = super().schedule(stage)
        return replace(schedule, learning_rate=stage.learning_rate * RATE_FACTORS.get(self.variant.name, 1.0))

    def task(self, stage: Stage, evn: keras.Model, classifier: keras.Model, v_limit: float = math.inf) -> EvnTask:
        """Both networks trained on the events of this run."""
        return EvnTask(stage.label, self.variant, evn, classifier, self.events, self.seed, v_limit)
