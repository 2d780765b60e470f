"""Summaries that forget what does not matter and keep what does; trees that find it; how events are parted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from qmodels.classification import Auc, auc_spread, measured_auc
from qmodels.compression.classifiers.parts import parts_of, unseen
from qmodels.compression.classifiers.summaries import summaries
from qmodels.compression.classifiers.trees import train_trees
from qmodels.errors import ModelDataError

Floats32 = npt.NDArray[np.float32]


def clouds(events: int, seed: int, *, particles: int = 12, clustered: float = 0.0) -> Floats32:
    """Events of up to ``particles``, that part of them in pairs of ΔR = 0.05."""
    rng = np.random.default_rng(seed)
    pt = rng.exponential(size=(events, particles)) + 0.01
    pt[np.arange(particles) >= rng.integers(particles // 2, particles + 1, (events, 1))] = 0.0
    eta, phi = rng.uniform(-2.5, 2.5, pt.shape), rng.uniform(-np.pi, np.pi, pt.shape)
    beside = np.roll(rng.random(pt.shape) < clustered, 1, axis=1)
    beside[:, 0] = False
    eta, phi = (np.where(beside, np.roll(axis, 1, axis=1) + 0.035, axis) for axis in (eta, phi))
    made = np.stack([pt / pt.sum(axis=1, keepdims=True), eta, np.mod(phi + np.pi, 2 * np.pi) - np.pi], axis=-1)
    return np.where(pt[..., None] > 0.0, made, 0.0).astype(np.float32)


def test_order_turn_and_mirrors_change_no_summary() -> None:
    events = clouds(40, 1)
    expected = summaries(events)
    assert expected.shape == (40, 181)
    real = events[..., :1] > 0.0
    turned = np.mod(events[..., 2:] + 2.0 + np.pi, 2 * np.pi) - np.pi
    for changed in (
        events[:, np.random.default_rng(2).permutation(12)],
        np.where(real, np.concatenate([events[..., :2], turned], axis=-1), 0.0),
        events * np.array([1.0, -1.0, 1.0]),
        events * np.array([1.0, 1.0, -1.0]),
    ):
        np.testing.assert_allclose(summaries(changed.astype(np.float32)), expected, rtol=2e-3, atol=2e-4)


def test_padding_adds_particles_to_no_summary_of_them() -> None:
    events = clouds(5, 3)
    more = np.concatenate([events, np.zeros((5, 8, 3), np.float32)], axis=1)
    assert summaries(more).shape == summaries(events).shape
    assert summaries(more)[:, 0].tolist() == (events[..., 0] > 0).sum(axis=1).tolist()


def test_one_particle_is_an_event() -> None:
    assert np.isfinite(summaries(np.array([[[1.0, 0.3, -2.0]]], np.float32))).all()


def test_two_particles_by_hand() -> None:
    # Back to back at η = 0 with half of H_T each: balanced, and as heavy as H_T.
    event = np.array([[[0.5, 0.0, 0.0], [0.5, 0.0, np.pi]]], np.float32)
    found = summaries(event)[0]
    assert found[0] == 2
    assert np.isclose(found, np.sqrt(0.5), atol=1e-4).any()  # √Σ(pT/H_T)²
    assert found.max() == pytest.approx(np.pi)  # ΔR
    assert np.isclose(found, 1.0, atol=1e-4).sum() > 3  # the masses, and sums of pT


@pytest.mark.slow
def test_trees_find_pairs_and_nothing_where_there_is_nothing() -> None:
    pairs = summaries(clouds(600, 1)), summaries(clouds(600, 2, clustered=0.5))
    assert train_trees(pairs, seed=1).value > 0.95
    alike = summaries(clouds(600, 3)), summaries(clouds(500, 4))
    same = train_trees(alike, seed=1)
    assert abs(same.value - 0.5) < 4 * auc_spread(60, 50)
    assert same == train_trees(alike, seed=1)


def test_the_error_of_an_auc_is_how_it_scatters() -> None:
    rng = np.random.default_rng(4)
    found = [measured_auc(rng.normal(1.0, 1.0, 300), rng.normal(0.0, 1.0, 200)) for _ in range(300)]
    assert np.mean([auc.error for auc in found]) == pytest.approx(np.std([auc.value for auc in found]), rel=0.15)
    assert measured_auc(np.ones(5), np.zeros(5)) == Auc(1.0, 0.0)


def test_the_parts_are_disjoint_and_all() -> None:
    parts = parts_of(np.arange(101), 5)
    assert [len(part) for part in (parts.training, parts.validation, parts.test)] == [61, 30, 10]
    assert sorted(np.concatenate([parts.training, parts.validation, parts.test])) == list(range(101))
    [zeros, ones] = unseen([np.arange(101), np.arange(101)], 5)
    assert zeros.tolist() == parts.test.tolist() != ones.tolist()
    with pytest.raises(ModelDataError, match="a class of 9 events: a classifier needs 10"):
        parts_of(np.arange(9), 1)
