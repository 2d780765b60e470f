from __future__ import annotations

import numpy as np
import pytest

from qmodels.simulation.collisions import within_cuts
from qmodels.simulation.measuring import HAS_JET, HAS_PHOTON, NOT_ISOLATED, NOT_SEEN, measured
from qmodels.simulation.particles import pair_mass
from qmodels.types import Floats64

ELECTRON, POSITRON = (45.0, 0.2, 0.0, 45.0 * np.cosh(0.2), 11), (45.0, -0.2, 3.1, 45.0 * np.cosh(0.2), -11)


def visible(*more: tuple[float, ...]) -> Floats64:
    return np.array([ELECTRON, POSITRON, *more], np.float64)


def outcomes(event: Floats64, times: int = 300) -> list[Floats64 | str]:
    random = np.random.default_rng(5)
    return [measured(event, random) for _ in range(times)]


def test_two_electrons_are_seen_as_often_as_the_card_says_and_smeared() -> None:
    seen = [one for one in outcomes(visible(), 1000) if not isinstance(one, str)]
    assert len(seen) / 1000 == pytest.approx((0.95 * 0.95) ** 2, abs=0.04)
    energies = np.array(seen)[:, 3] / ELECTRON[3]
    assert energies.mean() == pytest.approx(1.0, abs=0.005)
    assert 0.01 < energies.std() < 0.04
    assert pair_mass(np.array(seen)).mean() == pytest.approx(90.0, abs=2.0)


def test_a_photon_in_the_same_cell_is_measured_with_the_electron() -> None:
    beside = (10.0, 0.2, 0.005, 10.0 * np.cosh(0.2), 22)
    seen = np.array([one for one in outcomes(visible(beside)) if not isinstance(one, str)])
    assert seen[:, 3].mean() / ELECTRON[3] > 1.1
    assert seen[:, 7].mean() / POSITRON[3] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ((15.0, 0.3, 0.1, 16.0, 211), NOT_ISOLATED),
        ((15.0, 1.5, 1.5, 35.0, 22), HAS_PHOTON),
        ((25.0, 1.5, 1.5, 59.0, 211), HAS_JET),
    ],
)
def test_what_is_beside_the_electrons_counts(more: tuple[float, ...], reason: str) -> None:
    found = [one for one in outcomes(visible(more), 50) if isinstance(one, str)]
    assert set(found) <= {reason, NOT_SEEN}
    assert found.count(reason) > 30


def test_without_an_electron_there_is_no_event() -> None:
    random = np.random.default_rng(1)
    assert measured(visible()[:1], random) == NOT_SEEN
    assert measured(np.empty((0, 5)), random) == NOT_SEEN


def test_the_run_card_cuts_by_hand() -> None:
    good = np.array([40, 0, 0, 40, -40, 0, 0, 40], np.float64)
    assert within_cuts(good)
    assert not within_cuts(np.array([9, 0, 0, 9, -40, 0, 0, 40], np.float64))  # pT
    assert not within_cuts(np.array([10.5, 0, 80, 80.7, -40, 0, 0, 40], np.float64))  # η of 2.7
    assert not within_cuts(np.array([40, 1, 0, 40, 40, -1, 0, 40], np.float64))  # side by side
