"""What is trained: an autoencoder's score, a VAE, and a firmware's latents towards those of a VAE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from qmodels.anomaly.networks import LATENTS, SHARE
from qmodels.anomaly.symmetry import multiplied
from qmodels.anomaly.variants import InputForm
from qmodels.training.loop import Arrays
from qmodels.training.run import Run
from qmodels.types import Floats32

VALIDATION_FRACTION = 0.2
WIDTH = 0.3
"""What a VAE's decoder may miss an input by, in the inputs' units: its loss is that of Gaussians so wide."""


@dataclass(frozen=True, eq=False)
class Background:
    """Events (n, 19, 3) of the background, the last fifth for validation, and how networks take them.

    An epoch has ``events``, made of those by turning and mirroring them, anew each time.
    """

    collisions: Floats32
    form: InputForm
    events: int
    seed: int
    validation: Floats32 = field(init=False)

    def __post_init__(self) -> None:
        kept = self._kept
        held = multiplied(self.collisions[kept:], max(self.events // 4, 1), self.seed)
        object.__setattr__(self, "validation", self.form.inputs(held))

    @property
    def _kept(self) -> int:
        return len(self.collisions) - int(VALIDATION_FRACTION * len(self.collisions))

    def epoch(self, epoch: int) -> Floats32:
        """Inputs (events, 57) of an epoch."""
        seed = int(np.random.SeedSequence([self.seed, epoch]).generate_state(1)[0])
        return self.form.inputs(multiplied(self.collisions[: self._kept], self.events, seed))


class _BackgroundTask:
    """Training on a background's events alone."""

    def __init__(self, label: str, background: Background, networks: Sequence[keras.Model]) -> None:
        self.label = label
        self.events = background.events
        self.variables: Sequence[keras.Variable] = [
            variable for network in networks for variable in network.trainable_variables
        ]
        self._background = background

    def epoch_data(self, epoch: int) -> Arrays:
        return (self._background.epoch(epoch),)

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        raise NotImplementedError

    def validate(self) -> tuple[float, None]:
        return float(self.loss(tf.constant(self._background.validation))), None


class ReconstructionTask(_BackgroundTask):
    """An autoencoder (n, 57) -> (n, 57) that is to make its inputs again."""

    def __init__(self, label: str, background: Background, autoencoder: keras.Model) -> None:
        super().__init__(label, background, [autoencoder])
        self._autoencoder = autoencoder

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        (inputs,) = batch
        return SHARE * tf.reduce_mean(tf.reduce_sum(tf.square(inputs - self._autoencoder(inputs)), axis=1))


class ScoreTask(_BackgroundTask):
    """A firmware that is to give the background a low score."""

    def __init__(self, label: str, background: Background, model: keras.Model) -> None:
        super().__init__(label, background, [model])
        self._model = model

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(self._model(*batch))


class LatentsTask(_BackgroundTask):
    """A firmware's latents (n, 3) that are to be those of a float encoder."""

    def __init__(self, label: str, background: Background, latents: keras.Model, encoder: keras.Model) -> None:
        super().__init__(label, background, [latents])
        self._latents, self._encoder = latents, encoder

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        (inputs,) = batch
        return tf.reduce_mean(tf.square(self._latents(inputs) - tf.stop_gradient(self._encoder(inputs))))


class VaeTask(_BackgroundTask):
    """A VAE: two encoders, of means and of logarithms of variances, and a decoder."""

    def __init__(
        self, label: str, background: Background, means: keras.Model, spreads: keras.Model, decoder: keras.Model
    ) -> None:
        super().__init__(label, background, [means, spreads, decoder])
        self._means, self._spreads, self._decoder = means, spreads, decoder
        shape = (len(background.validation), LATENTS)
        self._noise = np.random.default_rng(background.seed).standard_normal(shape).astype(np.float32)

    def epoch_data(self, epoch: int) -> Arrays:
        random = np.random.default_rng([self._background.seed, epoch])
        return *super().epoch_data(epoch), random.standard_normal((self.events, LATENTS)).astype(np.float32)

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        inputs, noise = batch
        mean, log_variance = self._means(inputs), self._spreads(inputs)
        made = self._decoder(mean + noise * tf.exp(0.5 * log_variance))
        missed = tf.reduce_sum(tf.square(inputs - made), axis=1) / (2.0 * WIDTH**2)
        divergence = 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0, axis=1)
        return tf.reduce_mean(missed + divergence)

    def validate(self) -> tuple[float, None]:
        return float(self.loss(tf.constant(self._background.validation), tf.constant(self._noise))), None


@dataclass(frozen=True, kw_only=True)
class AnomalyRun(Run):
    """One training of anomaly networks on a background."""

    background: Background
