from __future__ import annotations

import math

import numpy as np
import pytest

from qmodels.simulation.distances import BINS, distance, observables, reduced_chi2, sliced_wasserstein
from tests.qmodels.simulation.made_up import pairs


def test_a_shift_is_its_square_and_no_order_matters() -> None:
    a = np.array([3.0, 1.0, 2.0])
    assert distance(a, a[::-1] + 5.0, np.array([0.0, 10.0])).wasserstein == 25.0


def test_a_translation_costs_its_square_over_the_dimensions() -> None:
    """On directions that are drawn at random the mean square of a unit vector's projection is 1/8."""
    sample = pairs(50).z
    moved = sample + np.array([4.0] + [0.0] * 7, np.float32)
    assert sliced_wasserstein(sample, sample) == 0.0
    assert sliced_wasserstein(sample, moved) == pytest.approx(16.0 / 8.0, rel=0.1)


def test_the_longer_sample_is_cut() -> None:
    sample = pairs(50).z
    assert sliced_wasserstein(sample, sample[:30], 10) == 0.0


def test_chi2_counts_bins_that_are_full_in_both_by_hand() -> None:
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    first = np.repeat([0.5, 1.5, 2.5], [10, 20, 4])
    second = np.repeat([0.5, 1.5, 2.5], [20, 20, 50])
    # (10 - 20)²/30 + 0 over one degree of freedom: the third bin has 4 entries in the first sample.
    assert reduced_chi2(first, second, edges) == pytest.approx(100 / 30)
    assert math.isnan(reduced_chi2(first[:4], second[:4], edges))


def test_the_observables_are_of_the_positron_and_of_the_pair() -> None:
    event = np.array([[0, 0, 0, 0, 1, 2, 3, 4]], np.float32)
    found = observables(event)
    assert list(found) == list(BINS)
    assert [float(found[name][0]) for name in ("p_y", "p_z", "E")] == [2.0, 3.0, 4.0]
