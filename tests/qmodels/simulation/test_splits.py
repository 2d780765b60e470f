from __future__ import annotations

import numpy as np
import pytest

from qmodels.simulation.distances import random_directions
from qmodels.simulation.fidelity import floor, identity
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.splits import split_distances
from tests.qmodels.simulation.made_up import pairs


def test_a_cut_is_what_sorting_its_halves_gives() -> None:
    """Of one cut, by hand: the halves told apart by which events moved, each sorted by itself."""
    sample = pairs(40)
    (direction,) = random_directions(1, 8)
    found = split_distances({"floor": floor(sample)}, sample, splits=5, slices=1)["floor"]
    candidates = np.random.default_rng(77)
    for cut in range(5):
        chosen = np.zeros(40, bool)
        chosen[candidates.permutation(40)[:20]] = True
        first, second = (np.sort((sample.x[half] @ direction).astype(np.float64)) for half in (chosen, ~chosen))
        assert found.simulated[cut] == pytest.approx(((first - second) ** 2).mean())
        assert found.restored[cut] == found.simulated[cut] != found.encoded[cut]


def test_what_is_shifted_is_beyond_the_floor_in_every_cut() -> None:
    sample = pairs(400)
    shifted = Pairs(sample.z, sample.z + np.array([20.0] + [0.0] * 7, np.float32))
    found = split_distances({"floor": floor(shifted), "identity": identity(shifted)}, shifted, slices=20)
    assert (found["identity"].encoded > found["floor"].encoded).all()
    assert found["floor"].encoded.std() > 0.0


def test_the_last_of_an_odd_number_is_in_no_half() -> None:
    sample = pairs(41)
    even = sample.take(slice(0, 40))
    first, second = (split_distances({"floor": floor(one)}, one, 2, 3)["floor"] for one in (sample, even))
    assert np.array_equal(first.encoded, second.encoded)
