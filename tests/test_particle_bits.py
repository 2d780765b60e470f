"""What benchmarks.particle_bits takes from some particles, and leaves the others."""

from __future__ import annotations

import keras
import numpy as np

from benchmarks.particle_bits import FewerBits, with_fewer_bits
from qmodels.compression.learned_encoder import learn
from qmodels.compression.presets import find_preset
from qmodels.compression.reference import build_encoder

PARTICLES = 3


def test_grids_are_coarser_where_bits_are_dropped() -> None:
    dropped = keras.Variable(np.array([0.0, 1.0, 2.0], np.float32), trainable=False)
    x = np.tile(np.array([[0.25, 3.0]], np.float32), (1, PARTICLES, 1))
    found = np.asarray(FewerBits(np.array([2, 0]), dropped)(x))[0]
    assert found.tolist() == [[0.25, 3.0], [0.5, 4.0], [0.0, 4.0]]


def test_an_encoder_loses_bits_of_the_particles_that_are_chosen() -> None:
    keras.utils.set_random_seed(1)
    preset = find_preset("trigger")
    rng = np.random.default_rng(1)
    events = [rng.uniform(-1.0, 1.0, (50, PARTICLES, 4)).astype(np.float32), np.zeros((50, 1), np.float32)]
    encoder = learn(preset, build_encoder(preset, PARTICLES), *events)
    dropped = keras.Variable(np.zeros(PARTICLES, np.float32), trainable=False)
    narrowed = with_fewer_bits(encoder, dropped)
    whole = np.asarray(encoder(events)[0])
    assert np.array_equal(np.asarray(narrowed(events)[0]), whole)
    dropped.assign([0.0, 0.0, 3.0])
    coarse = np.asarray(narrowed(events)[0])
    assert not np.array_equal(coarse, whole)
    events[0][:, 2] = 0.0  # on every grid, so that nothing is left to lose
    assert np.array_equal(np.asarray(narrowed(events)[0]), np.asarray(encoder(events)[0]))
