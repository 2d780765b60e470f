"""The losses against NumPy, and their gradients against differences."""

from __future__ import annotations

import numpy as np
import pytest

from qmodels.simulation.distances import sliced_wasserstein
from qmodels.simulation.particles import MOMENTA, pair_mass, pair_pt
from tests.qmodels.simulation.made_up import pairs

pytestmark = pytest.mark.slow

tf = pytest.importorskip("tensorflow")
SEED = np.array([1, 2], np.int32)


def test_a_sliced_distance_is_that_of_the_figures() -> None:
    from qmodels.simulation.losses import sliced_distance

    first, second = pairs(2000, 1).x, pairs(2000, 2, smearing=0.2).x
    drawn = float(sliced_distance(tf.constant(first), tf.constant(second), 500, SEED))
    assert drawn == pytest.approx(sliced_wasserstein(first, second, 500), rel=0.1)


def test_its_gradient_is_that_of_the_sorted_distance() -> None:
    from qmodels.simulation.losses import sliced_distance

    first, second = (tf.constant(pairs(50, seed).x / 50.0) for seed in (1, 2))
    with tf.GradientTape() as tape:
        tape.watch(first)
        distance = sliced_distance(first, second, 20, SEED)
    gradient = np.asarray(tape.gradient(distance, first))
    length = float(np.linalg.norm(gradient))
    step = (0.02 * gradient / length).astype(np.float32)
    up, down = (float(sliced_distance(first + sign * step, second, 20, SEED)) for sign in (1, -1))
    assert (up - down) / 0.04 == pytest.approx(length, rel=0.05)


def test_features_of_a_pair_are_those_of_the_figures() -> None:
    from qmodels.simulation.losses import four_momenta, pair_features

    sample = pairs(100).x
    assert np.asarray(four_momenta(tf.constant(sample[:, MOMENTA]))) == pytest.approx(sample, rel=1e-4)
    found = np.asarray(pair_features(tf.constant(sample)))
    assert found[:, 2] == pytest.approx(pair_mass(sample), rel=1e-3)
    assert np.hypot(found[:, 0], found[:, 1]) == pytest.approx(pair_pt(sample), abs=1e-3)


def test_what_pairs_gain_along_the_beam_is_held_to_a_part_of_what_they_have_across() -> None:
    from qmodels.simulation.losses import ALONG, recoil_distance

    z = pairs(3000, smearing=0.0).z
    rapidity = np.random.default_rng(1).normal(0, 0.1, 3000).astype(np.float32)
    rows = z.reshape(-1, 2, 4)
    cosh, sinh = np.cosh(rapidity)[:, None], np.sinh(rapidity)[:, None]
    along, energy = rows[..., 2] * cosh + rows[..., 3] * sinh, rows[..., 3] * cosh + rows[..., 2] * sinh
    boosted = np.stack([rows[..., 0], rows[..., 1], along, energy], axis=2).reshape(-1, 8)
    gained = pair_mass(z) * sinh[:, 0]
    across = np.zeros((3000, 8), np.float32)
    across[:, 0], across[:, 4] = 2 * gained / ALONG, -gained / ALONG
    told = [
        float(recoil_distance(tf.constant(made), tf.constant(z), tf.constant(across), SEED)) for made in (boosted, z)
    ]
    assert told[0] == pytest.approx(0.0, abs=1e-3)
    assert told[1] == pytest.approx(float(np.mean(gained**2)), rel=1e-3)


def test_a_region_that_is_wrong_is_seen_where_the_whole_is_right() -> None:
    """Masses 2 GeV up in some regions and down in others: together they differ by less than each does."""
    from qmodels.simulation.losses import _pair_regions, pair_features, regional_mass_distance

    true = pairs(4000, 3, smearing=0.0).z
    up = _pair_regions(true) % 2 == 1
    wrong = true * np.where(up, 93.19 / 91.19, 89.19 / 91.19)[:, None].astype(np.float32)
    regional = float(regional_mass_distance(tf.constant(wrong), tf.constant(true)))
    masses = [np.sort(np.asarray(pair_features(tf.constant(one)))[:, 2]) for one in (wrong, true)]
    pooled = float(np.mean((masses[0] - masses[1]) ** 2))
    assert regional == pytest.approx(2.0**2, rel=0.05)
    assert pooled < 2.0
    assert float(regional_mass_distance(tf.constant(true), tf.constant(true))) == pytest.approx(0.0, abs=1e-6)
