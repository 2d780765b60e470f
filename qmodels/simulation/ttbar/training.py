"""Encoder and decoder of top pairs trained together, the decoder restricted to thresholds as in the paper.

Whoever measures x never sees an event outside the thresholds, so nothing tells what the decoder should make of such: it
may make them, and they count for no loss. The paper divides the loss of what comes back by the fraction that is inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from qmodels.simulation.calling import as_firmware
from qmodels.simulation.distances import sliced_wasserstein
from qmodels.simulation.events import turned
from qmodels.simulation.losses import sliced_distance
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.ttbar.layout import (
    COLUMNS,
    ENERGY_UNIT,
    LATENT_MASSES,
    MEASURED_MASSES,
    MISSING,
    MOMENTUM_UNITS,
    NOISE,
    PARTICLES,
    normal_noise,
)
from qmodels.simulation.ttbar.layout import inside as inside_of
from qmodels.simulation.ttbar.losses import (
    four_momenta,
    inside,
    latent_features,
    measured_features,
    ordered,
    restricted_sliced_distance,
    restricted_square,
)
from qmodels.simulation.ttbar.presets import Part, Terms
from qmodels.simulation.ttbar.running import decoded, encoded
from qmodels.training.loop import Arrays

VALIDATION_SLICES = 50
TRAINING_STREAM, VALIDATION_STREAM = 1, 2
_ALL_UNITS = np.tile(MOMENTUM_UNITS, PARTICLES).astype(np.float32)


class TopTask:
    """A :class:`qmodels.training.loop.Task`: ``encoder`` and ``decoder`` on ``pairs`` whose partners are forgotten.

    Each event is turned about the beam by an angle of its own in every epoch, and half of them are mirrored along it:
    neither beams nor detector would tell.
    """

    compiled_by_xla = False
    """It calls NumPy to sort, which XLA cannot."""

    def __init__(
        self, part: Part, encoder: keras.Model, decoder: keras.Model, pairs: Pairs, check: Pairs, seed: int
    ) -> None:
        self.label = part.stage.label
        self.events = len(pairs)
        trained = (decoder,) if part.decoder_alone else (encoder, decoder)
        self.variables: Sequence[keras.Variable] = [v for network in trained for v in network.trainable_variables]
        # What batch normalisation has seen so far, which the next epoch starts from.
        self.state = [v for network in (encoder, decoder) for v in network.non_trainable_variables]
        self.options = {"terms": asdict(part.terms)}
        self._encoder, self._decoder, self._terms, self._seed = encoder, decoder, part.terms, seed
        self._pairs, self._check = pairs, check

    def epoch_data(self, epoch: int) -> Arrays:
        """x and z in orders of their own, noise for both networks, and seeds for the directions of each batch."""
        random = np.random.default_rng(np.random.SeedSequence([self._seed, epoch, TRAINING_STREAM]))
        x, z = (
            turned(sample[random.permutation(self.events)], int(random.integers(0, 2**31)))
            for sample in (self._pairs.x, self._pairs.z)
        )
        noise = random.standard_normal((self.events, 2 * NOISE), dtype=np.float32)
        # Whole numbers below 2^24, as float32 holds them: the first of a batch serves all of it.
        seeds = random.integers(0, 2**24, (self.events, 2)).astype(np.float32)
        return x, z, noise, seeds

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        """Scalar, in GeV^2."""
        x, z, noise, seeds = batch
        terms, seed = self._terms, tf.cast(seeds[0], tf.int32)
        quarks = tf.reshape(z, (-1, PARTICLES, 4))
        simulated = self._decoded(z, noise[:, NOISE:])
        counted = inside(simulated)
        weights, true = _weights(terms), x * _weights(terms)
        loss = tf.constant(0.0)
        if terms.restored or terms.latent:
            latent = run(self._encoder, x, noise[:, :NOISE], LATENT_MASSES)
            loss += terms.latent * sliced_distance(_flat(latent), z, terms.slices, seed)
            silence = tf.zeros_like(noise[:, :NOISE])
            restored = self._decoded(_flat(latent), silence if terms.quiet else noise[:, NOISE:])
            fraction = tf.maximum(tf.reduce_mean(counted), 1.0 / COLUMNS)
            square = restricted_square(_flat(restored) * weights, true, inside(restored), fraction)
            loss += terms.restored * square
            if terms.features:
                features = latent_features(latent), latent_features(quarks)
                loss += terms.features * sliced_distance(*features, terms.slices, seed + 2)
            if terms.quiet:
                away = (self._decoded(z, silence) - ordered(quarks))[..., :3]
                loss += terms.quiet * tf.reduce_mean(away**2 * tf.reshape(weights, (PARTICLES, 4))[:, :3])
        if terms.simulated:
            made = _flat(simulated) * weights
            loss += terms.simulated * restricted_sliced_distance(made, true, counted, terms.slices, seed + 1)
        if terms.features:
            both = measured_features(simulated), measured_features(tf.reshape(x, (-1, PARTICLES, 4)))
            loss += terms.features * restricted_sliced_distance(*both, counted, terms.slices, seed + 3)
        return loss

    def validate(self) -> tuple[float, float | None]:
        """Sliced distances of encoded and of simulated events to true ones, added; events that no training sees."""
        noise = normal_noise(2 * len(self._check), self._seed, VALIDATION_STREAM)
        latent = encoded(as_firmware(self._encoder), self._check.x, noise[: len(self._check)])
        made = decoded(as_firmware(self._decoder), self._check.z, noise[len(self._check) :])
        made = made[inside_of(made)]
        if not len(made):
            return float("inf"), None
        weights = np.asarray(_weights(self._terms))
        total = sliced_wasserstein(made * weights, self._check.x * weights, slices=VALIDATION_SLICES)
        return total + sliced_wasserstein(latent, self._check.z, slices=VALIDATION_SLICES), None

    def _decoded(self, z: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        return ordered(run(self._decoder, z, noise, MEASURED_MASSES))


def run(network: keras.Model, particles: tf.Tensor, noise: tf.Tensor, masses: tuple[float, ...]) -> tf.Tensor:
    """Particles (n, 6, 4) in GeV that ``network`` makes of ``particles`` (n, 24) and ``noise`` while it is trained."""
    rows = tf.reshape(particles, (-1, PARTICLES, 4))
    momenta = tf.reshape(rows[..., :3], (-1, NOISE)) / tf.constant(_ALL_UNITS)
    made: Any = network([momenta, rows[..., 3] / ENERGY_UNIT, noise], training=True)
    return four_momenta(made * tf.constant(_ALL_UNITS), masses)


def _flat(particles: tf.Tensor) -> tf.Tensor:
    return tf.reshape(particles, (-1, COLUMNS))


def _weights(terms: Terms) -> tf.Tensor:
    """How much each of the 24 numbers counts: those along the beam of the missing momentum less."""
    weights = np.ones((PARTICLES, 4), np.float32)
    weights[MISSING, 2:] = terms.missing
    return tf.constant(weights.ravel())
