"""Distances between clouds: by hand, by POT, and as in training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from qmodels.compression.transport.distortion import exact, ground_cost, sinkhorn


def random_clouds(events: int, particles: int, seed: int) -> npt.NDArray[np.float32]:
    """Clouds of fractions that sum to 1, the last two particles of every other event padding."""
    rng = np.random.default_rng(seed)
    pt = rng.exponential(size=(events, particles))
    pt[::2, -2:] = 0.0
    rows = [pt / pt.sum(axis=1, keepdims=True), rng.normal(size=pt.shape), rng.uniform(-np.pi, np.pi, pt.shape)]
    return np.stack(rows, axis=-1).astype(np.float32)


def test_one_particle_moves_across_the_seam() -> None:
    true, moved = np.array([[[1.0, 0.5, 3.1]]]), np.array([[[1.0, 0.2, -3.1]]])
    distance = 0.3**2 + (2 * np.pi - 6.2) ** 2
    assert ground_cost(true, moved)[0, 0, 0] == pytest.approx(distance)
    assert exact(true, moved) == pytest.approx([distance])
    assert sinkhorn(true, moved) == pytest.approx([distance])


def test_half_of_one_particle_moves() -> None:
    # Masses (1) -> (1/2, 1/2): one half stays, the other goes Δη = 2.
    true = np.array([[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    restored = np.array([[[0.5, 0.0, 0.0], [0.5, 2.0, 0.0]]])
    assert exact(true, restored) == pytest.approx([2.0])
    assert sinkhorn(true, restored) == pytest.approx([2.0], rel=1e-6)


def test_exact_is_what_pot_finds() -> None:
    ot = pytest.importorskip("ot")
    true, restored = random_clouds(12, 9, 1), random_clouds(12, 9, 2)
    costs = ground_cost(true.astype(np.float64), restored.astype(np.float64))
    masses = [cloud[..., 0].astype(np.float64) for cloud in (true, restored)]
    a, b = (m / m.sum(axis=1, keepdims=True) for m in masses)
    expected = [ot.emd2(p, q, np.ascontiguousarray(cost)) for p, q, cost in zip(a, b, costs, strict=True)]
    np.testing.assert_allclose(exact(true, restored), expected, rtol=1e-9)


def test_sinkhorn_is_above_zero_and_near_exact_for_near_clouds() -> None:
    true = random_clouds(30, 12, 3)
    near = true + np.array([0.0, 0.1, 0.05], np.float32)
    found = sinkhorn(true, near)
    np.testing.assert_allclose(found, exact(true, near), rtol=0.25)
    assert (found > 0.0).all()


@pytest.mark.slow
def test_sinkhorn_is_that_of_the_training() -> None:
    import tensorflow as tf

    from qmodels.compression.transport.sinkhorn import sinkhorn_distortion

    true, restored = (random_clouds(40, 10, seed).astype(np.float64) for seed in (4, 5))
    arrays = [tf.constant(part) for cloud in (true, restored) for part in (cloud[..., 0], cloud[..., 1:])]
    np.testing.assert_allclose(sinkhorn(true, restored), sinkhorn_distortion(*arrays), rtol=1e-6)


def test_no_events() -> None:
    assert sinkhorn(np.zeros((0, 4, 3)), np.zeros((0, 4, 3))).shape == (0,)
