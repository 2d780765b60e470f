"""Training of encoder and decoder: the loss of the authors' code, mean(S) + mean(β·KL).

S is the sharp Sinkhorn distortion of the decoded event and KL that of the latent posterior from a unit normal, in nats;
log₁₀β is uniform in [-6, 1], drawn anew for each event in every epoch. Against the published training, events are
shuffled and each epoch turns every event by a random angle in φ and mirrors half of them in η, both symmetries of the
collider, because there are fewer events than the published 500,000. And where the published training takes 1.4
million steps, ours may open the range of β from below: with all β from the start, the large ones make most latents
collapse to the prior before they have learned to carry anything, and few of them come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from qmodels.compression.inputs import LOG10_BETA_RANGE
from qmodels.compression.presets import AutoencoderStage, Preset
from qmodels.compression.transport.sinkhorn import sinkhorn_distortion
from qmodels.training.loop import Arrays, Schedule
from qmodels.training.plateau import Plateau
from qmodels.training.run import Run
from qmodels.training.stages import Stage
from qmodels.types import Floats32

VALIDATION_FRACTION = 0.1
VALIDATION_EVENTS = 5000
VALIDATION_BLOCK = 500
PUBLISHED_RATES = Plateau(
    factor=0.1**0.5, patience=10, min_delta=1e-4, min_rate=1e-8, stop_patience=20, cycle_epochs=100, cycles=10
)
"""The rates of the authors' code, whose epochs are of 1000 batches of 100."""

OPENING_LOG10_BETA = -4.0
"""Where the range of log₁₀β ends at first, while it opens."""

EPOCH_STREAM, VALIDATION_STREAM = range(2)


class Losses(NamedTuple):
    """Per event, each (n,): ``distortion`` S in R², ``kl`` in nats, and what to minimise."""

    distortion: Any
    kl: Any
    total: Any


class CompressionTask:
    """Encoder and decoder on clouds (n, N, 3) of (pT/H_T, η, φ), the last tenth kept for validation.

    With ``frozen_decoder`` the encoder alone is trained: a quantized encoder must serve the decoder of the float one.
    During the first ``opening_epochs`` the upper end of log₁₀β rises from ``OPENING_LOG10_BETA`` to the full range.
    """

    def __init__(
        self,
        label: str,
        encoder: keras.Model,
        decoder: keras.Model,
        clouds: Floats32,
        seed: int,
        *,
        frozen_decoder: bool = False,
        opening_epochs: int = 0,
    ) -> None:
        self.label = label
        self.events = len(clouds) - min(int(VALIDATION_FRACTION * len(clouds)), VALIDATION_EVENTS)
        trained = [encoder] if frozen_decoder else [encoder, decoder]
        self.variables: Sequence[keras.Variable] = [v for network in trained for v in network.trainable_variables]
        self._encoder = encoder
        self._decoder = decoder
        self._clouds = clouds
        self._seed = seed
        self._opening_epochs = opening_epochs
        self._validation = self._draws(clouds[self.events :], LOG10_BETA_RANGE[1], _rng(seed, VALIDATION_STREAM))
        self._losses = tf.function(self._per_event, jit_compile=True, autograph=False)

    def epoch_data(self, epoch: int) -> Arrays:
        """Clouds (n, N, 3) turned and mirrored, log₁₀β (n, 1) and standard normal noise (n, L)."""
        rng = _rng(self._seed, EPOCH_STREAM, epoch)
        clouds = self._clouds[: self.events][rng.permutation(self.events)]
        return self._draws(turned(clouds, rng), self._highest(epoch), rng)

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(self._per_event(*batch).total)

    def validate(self) -> tuple[float, None]:
        """Mean loss of the validation events, with fixed β and noise. There is no AUC: it takes a judge of its own."""
        totals = []
        for start in range(0, len(self._validation[0]), VALIDATION_BLOCK):
            block = [array[start : start + VALIDATION_BLOCK] for array in self._validation]
            totals.append(np.asarray(self._losses(*block).total))
        return float(np.concatenate(totals).mean()), None

    def _highest(self, epoch: int) -> float:
        """Upper end of log₁₀β in this epoch."""
        if epoch >= self._opening_epochs:
            return LOG10_BETA_RANGE[1]
        return OPENING_LOG10_BETA + (LOG10_BETA_RANGE[1] - OPENING_LOG10_BETA) * epoch / self._opening_epochs

    def _draws(self, clouds: Floats32, highest: float, rng: np.random.Generator) -> Arrays:
        log10_beta = rng.uniform(LOG10_BETA_RANGE[0], highest, (len(clouds), 1)).astype(np.float32)
        noise = rng.standard_normal((len(clouds), self._decoder.input_shape[0][1]), np.float32)
        return clouds, log10_beta, noise

    def _per_event(self, clouds: tf.Tensor, log10_beta: tf.Tensor, noise: tf.Tensor) -> Losses:
        mean, log_variance = self._encoder([particle_features(clouds), log10_beta])
        latent = mean + tf.exp(0.5 * log_variance) * noise
        decoded = self._decoder([latent, log10_beta])
        distortion = sinkhorn_distortion(clouds[..., 0], clouds[..., 1:], decoded[..., 0], decoded[..., 1:])
        kl = tf.reduce_sum(kl_per_latent(mean, log_variance), axis=1)
        beta = tf.pow(10.0, log10_beta[:, 0])
        return Losses(distortion, kl, distortion + beta * kl)


@dataclass(frozen=True, kw_only=True)
class CompressionRun(Run):
    """One training of encoder and decoder, on ``clouds``."""

    variant: str
    preset: Preset
    clouds: Floats32

    def schedule(self, stage: Stage) -> Schedule:
        """With the rates of the authors, for a preset that asks for them."""
        return replace(super().schedule(stage), plateau=PUBLISHED_RATES if self.preset.published_rates else None)

    def task(
        self, stage: AutoencoderStage, encoder: keras.Model, decoder: keras.Model, *, frozen_decoder: bool = False
    ) -> CompressionTask:
        """Both networks, or the encoder alone, trained on the events of this run."""
        return CompressionTask(
            stage.label,
            encoder,
            decoder,
            self.clouds,
            self.seed,
            frozen_decoder=frozen_decoder,
            opening_epochs=int(stage.opening * self.epochs_of(stage)),
        )


def kl_per_latent(mean: Any, log_variance: Any) -> Any:
    """KL divergence in nats of N(mean, σ²) from N(0, 1), elementwise, like the arguments."""
    return 0.5 * (tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance)


def particle_features(clouds: tf.Tensor) -> tf.Tensor:
    """Clouds (n, N, 3) -> encoder features (n, N, 4): :func:`qmodels.compression.inputs.features` in TensorFlow."""
    fraction, eta, phi = tf.unstack(clouds, axis=-1)
    return tf.stack([fraction, eta, tf.cos(phi), tf.sin(phi)], axis=-1)


def turned(clouds: Floats32, rng: np.random.Generator) -> Floats32:
    """Each cloud (n, N, 3) by a random angle in φ, and mirrored in η with probability 1/2; padding stays as it is."""
    angle = rng.uniform(-np.pi, np.pi, (len(clouds), 1)).astype(np.float32)
    sign = rng.choice(np.array([-1.0, 1.0], np.float32), (len(clouds), 1))
    fraction, eta, phi = np.moveaxis(clouds, -1, 0)
    rotated = np.mod(phi + angle + np.float32(np.pi), np.float32(2 * np.pi)) - np.float32(np.pi)
    return np.stack([fraction, eta * sign, np.where(fraction > 0, rotated, phi)], axis=-1)


def _rng(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))
