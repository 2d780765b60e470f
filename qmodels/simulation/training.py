"""Encoder and decoder trained together on events of which nobody knows which z made which x.

The losses of the paper are two: an event that is encoded and decoded comes back (a mean square over all eight numbers),
and what is encoded is distributed as z is (sliced Wasserstein). With these alone the decoder ignores its noise, for the
mean square punishes it, and what it makes of fresh z is far from x. The others here cure that; each is switched by its
weight, and ``docs/how-it-works/simulation.md`` has a measured row for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from qmodels.simulation.distances import sliced_wasserstein
from qmodels.simulation.losses import (
    direction_distance,
    four_momenta,
    pair_features,
    recoil_distance,
    regional_mass_distance,
    sliced_distance,
)
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.particles import (
    DIMENSIONS,
    ELECTRON_NOISE,
    ENERGIES,
    ENERGY_UNIT,
    MOMENTA,
    MOMENTUM_UNITS,
    NOISE,
    PARTICLES,
    RECOIL_NOISE,
    from_port,
    normal_noise,
    ports,
)
from qmodels.simulation.presets import Terms
from qmodels.training.loop import Arrays
from qmodels.types import Floats32

VALIDATION_SLICES = 50
SIMULATION_STREAM, VALIDATION_STREAM = 1, 2


class SimulationTask:
    """A :class:`qmodels.training.loop.Task`: ``encoder`` and ``decoder`` on unpaired halves of ``pairs``."""

    compiled_by_xla = False
    """It calls NumPy to sort, which XLA cannot."""

    def __init__(
        self,
        label: str,
        encoder: keras.Model,
        decoder: keras.Model,
        pairs: Pairs,
        check: Pairs,
        terms: Terms,
        seed: int,
    ) -> None:
        self.label = label
        self.events = len(pairs)
        self.variables: Sequence[keras.Variable] = [*encoder.trainable_variables, *decoder.trainable_variables]
        self.options = {"terms": asdict(terms)}
        self._encoder, self._decoder, self._terms, self._seed = encoder, decoder, terms, seed
        self._pairs = pairs
        self._check = check

    def epoch_data(self, epoch: int) -> Arrays:
        """x and z in orders of their own, noise for both networks, and seeds for the directions of each batch."""
        random = np.random.default_rng(np.random.SeedSequence([self._seed, epoch, SIMULATION_STREAM]))
        x, z = (sample[random.permutation(self.events)] for sample in (self._pairs.x, self._pairs.z))
        noise = random.standard_normal((self.events, 2 * NOISE), dtype=np.float32)
        # Whole numbers below 2^24, as float32 holds them: the first of a batch serves all of it.
        seeds = random.integers(0, 2**24, (self.events, 2)).astype(np.float32)
        return x, z, noise, seeds

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        """Scalar, in GeV^2."""
        x, z, noise, seeds = batch
        terms, seed = self._terms, tf.cast(seeds[0], tf.int32)
        encoded = run(self._encoder, x, noise[:, :NOISE])
        simulated = run(self._decoder, z, noise[:, NOISE:])
        silence = tf.zeros_like(noise[:, :NOISE])
        restored = run(self._decoder, encoded, silence if terms.quiet else noise[:, NOISE:])
        loss = tf.reduce_mean((x - restored) ** 2)
        loss += terms.latent * sliced_distance(encoded, z, terms.slices, seed)
        if terms.simulated:
            loss += terms.simulated * sliced_distance(simulated, x, terms.slices, seed + 1)
        if terms.quiet:
            loss += terms.quiet * tf.reduce_mean((run(self._decoder, z, silence) - z) ** 2)
        if terms.pair:
            for index, (made, true) in enumerate(((encoded, z), (simulated, x)), start=2):
                features = pair_features(made), pair_features(true)
                loss += terms.pair * sliced_distance(*features, terms.pair_slices, seed + index)
        if terms.regional:
            loss += terms.regional * regional_mass_distance(simulated, x)
        if terms.recoil:
            loss += terms.recoil * recoil_distance(simulated, z, x, seed + 4)
        if terms.anchor:
            loss += terms.anchor * (direction_distance(encoded, x) + direction_distance(z, simulated))
        return loss

    def validate(self) -> tuple[float, float | None]:
        """Sliced distances of encoded and of simulated events to true ones, added; events that no training sees."""
        noise = normal_noise(len(self._check), self._seed, VALIDATION_STREAM)
        total = 0.0
        for network, source, target in (
            (self._encoder, self._check.x, self._check.z),
            (self._decoder, self._check.z, self._check.x),
        ):
            made = from_port(np.asarray(network(list(ports(source, noise).values()))))
            total += sliced_wasserstein(made, target, slices=VALIDATION_SLICES)
        return total, None


def run(network: keras.Model, particles: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Particles (n, 8) in GeV that ``network`` makes of ``particles`` and ``noise``."""
    momenta = tf.gather(particles, MOMENTA, axis=1) / tf.constant(MOMENTUM_UNITS)
    energies = tf.gather(particles, ENERGIES, axis=1) / ENERGY_UNIT
    shares = energies / tf.reduce_sum(energies, 1, keepdims=True)
    made: Any = network(
        [
            tf.reshape(momenta, (-1, PARTICLES, DIMENSIONS)),
            tf.reshape(energies, (-1, PARTICLES, 1)),
            tf.reshape(shares, (-1, PARTICLES, 1)),
            tf.reshape(noise[:, :-RECOIL_NOISE], (-1, PARTICLES, ELECTRON_NOISE)),
            noise[:, -RECOIL_NOISE:],
        ]
    )
    return four_momenta(made * tf.constant(MOMENTUM_UNITS))


def simulate(network: keras.Model, particles: Floats32, noise: Floats32, at_once: int = 8192) -> Floats32:
    """:func:`run` in NumPy's terms, a block at a time."""
    inputs = list(ports(particles, noise).values())
    blocks = range(0, len(particles), at_once)
    made = [np.asarray(network([port[start : start + at_once] for port in inputs])) for start in blocks]
    return from_port(np.concatenate(made))
