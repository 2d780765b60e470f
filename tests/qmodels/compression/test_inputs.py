"""Clouds and features worked out by hand, clustering that nests, and every kind of bad event named."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from qmodels.compression.inputs import check_log10_beta, encoder_inputs, transport_targets
from qmodels.errors import ModelDataError

EVENT = np.array([[[6.0, 0.5, 1.0], [2.0, -1.0, -2.0], [0.0, 0.0, 0.0]]])


def cloud_of(rng: np.random.Generator, events: int, particles: int) -> np.ndarray:
    """Events (n, particles, 3) sorted by pT."""
    pt = -np.sort(-rng.exponential(3.0, (events, particles)) - 0.5, axis=1)
    return np.stack([pt, rng.uniform(-2.5, 2.5, pt.shape), rng.uniform(-np.pi, np.pi, pt.shape)], axis=-1)


def test_targets_are_momentum_fractions_and_angles() -> None:
    expected = [[[0.75, 0.5, 1.0], [0.25, -1.0, -2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
    np.testing.assert_array_equal(transport_targets(EVENT, 4), np.array(expected, np.float32))


def test_padding_enters_the_encoder_as_a_particle_at_phi_zero() -> None:
    found = encoder_inputs(EVENT, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, 0], [0.75, 0.5, np.cos(1.0), np.sin(1.0)], rtol=1e-6)
    np.testing.assert_array_equal(found[0, 2], [0.0, 0.0, 1.0, 0.0])


def test_clustering_leaves_as_many_as_asked_for_in_order() -> None:
    found = transport_targets(cloud_of(np.random.default_rng(1), 20, 40), 8)
    assert found.shape == (20, 8, 3)
    assert (found[:, :, 0] > 0).all()
    assert (np.diff(found[:, :, 0], axis=1) <= 0).all()
    np.testing.assert_allclose(found[:, :, 0].sum(axis=1), 1.0, rtol=1e-6)


def test_soft_particle_far_from_others_joins_the_beam() -> None:
    found = transport_targets([[[5.0, 0.0, 0.0], [4.0, 0.0, 2.0], [1.0, 0.0, -2.0]]], 2)[0]
    np.testing.assert_allclose(found, [[5.0 / 9.0, 0.0, 0.0], [4.0 / 9.0, 0.0, 2.0]], atol=1e-6)


def test_two_near_particles_become_one() -> None:
    event = np.array([[[5.0, 0.05, 0.0], [5.0, -0.05, 0.0], [1.0, 0.0, 3.0]]])
    found = transport_targets(event, 2)[0]
    np.testing.assert_allclose(found[:, 0], [10.0 / 11.0, 1.0 / 11.0], rtol=1e-6)
    np.testing.assert_allclose(found[:, 1:], [[0.0, 0.0], [0.0, 3.0]], atol=1e-6)


def test_single_particle_carries_everything() -> None:
    np.testing.assert_array_equal(transport_targets([[[3.0, 1.0, 2.0]]], 2)[0], [[1.0, 1.0, 2.0], [0.0, 0.0, 0.0]])


def test_angles_outside_pi_are_wrapped() -> None:
    event = EVENT.copy()
    event[0, 0, 2] += 2 * np.pi
    np.testing.assert_allclose(transport_targets(event, 3), transport_targets(EVENT, 3), atol=1e-6)


@pytest.mark.parametrize(
    ("row", "value", "words"),
    [
        (0, (np.nan, 0.0, 0.0), "event 1 has a particle that is not a finite number"),
        (1, (2.0, np.inf, 0.0), "event 1 has a particle that is not a finite number"),
        (1, (-2.0, 0.0, 0.0), "event 1 has a particle of negative pT"),
        (0, (0.0, 0.0, 0.0), "event 1 has a particle after padding"),
    ],
)
def test_bad_event_is_named(row: int, value: tuple[float, float, float], words: str) -> None:
    events = np.repeat(EVENT, 3, axis=0)
    events[1, row] = value
    with pytest.raises(ModelDataError, match=words):
        transport_targets(events, 3)


def test_empty_event_is_named() -> None:
    events = np.concatenate([EVENT, np.zeros_like(EVENT)])
    with pytest.raises(ModelDataError, match="event 1 has no particle"):
        encoder_inputs(events, 3)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (2, 0, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelDataError, match="have shape"):
        transport_targets(np.ones(shape), 3)


def test_beta_outside_the_trained_range_warns_with_the_range() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_log10_beta([-6.0, 0.0, 1.0]).shape == (3, 1)
    with pytest.warns(UserWarning, match=r"log10 beta -7 is outside the trained range \[-6, 1\]"):
        check_log10_beta([-3.0, -7.0])
    with pytest.raises(ModelDataError, match="event 1 has a log10 beta"):
        check_log10_beta([0.0, np.nan])
