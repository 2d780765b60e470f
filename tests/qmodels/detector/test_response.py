"""The parametrised detector: tables read where their regions meet, and draws with the widths that are stated."""

from __future__ import annotations

import numpy as np
import pytest

from qmodels.detector import cms
from qmodels.detector.parameters import CalorimeterResolution, Efficiency, TrackResolution
from qmodels.detector.response import combined, log_normal, rotated, seen, smeared_energy, smeared_track


@pytest.mark.parametrize(
    ("pt", "eta", "probability"),
    [(0.05, 0, 0), (0.1, 0, 0), (1, 1.5, 0.73), (1.01, -1.5, 0.95), (500, 1.6, 0.90), (50, 2.51, 0), (50, -2.5, 0.83)],
)
def test_an_efficiency_is_read_where_the_card_has_it(pt: float, eta: float, probability: float) -> None:
    assert cms.ELECTRON_TRACKING.at(np.array([pt]), np.array([eta]))[0] == probability


def test_widths_worked_by_hand() -> None:
    pt, eta = np.array([100.0, 100.0]), np.array([0.2, -2.0])
    np.testing.assert_allclose(cms.MUON_RESOLUTION.at(pt, eta), [np.hypot(0.01, 0.01), np.hypot(0.025, 0.035)])
    energy, eta = np.array([100.0, 100.0, 100.0]), np.array([1.0, -2.25, 4.0])
    root = np.sqrt(0.8**2 + 0.11**2 * 100 + 0.4**2)
    expected = [1.64 * root, (2.16 + 5.6 / 16) * root, np.sqrt(10.7**2 + 2.08**2 * 100)]
    np.testing.assert_allclose(cms.ECAL_RESOLUTION.at(energy, eta), expected)


def test_jets_are_as_wide_as_stated() -> None:
    pt = np.array([30.0, 100.0, 1000.0])
    np.testing.assert_allclose(cms.JET_RESOLUTION.at(pt, np.zeros(3)) / pt, [0.20, 0.11, 0.06], atol=0.005)


def test_draws_have_the_stated_mean_and_width() -> None:
    rng = np.random.default_rng(1)
    pt, eta = np.full(200_000, 50.0), np.full(200_000, 1.0)
    track = smeared_track(rng, pt, eta, cms.ELECTRON_TRACK_RESOLUTION)
    width = 50 * np.hypot(0.05, 1.7e-3 * 50)
    assert track.mean() == pytest.approx(50, abs=5 * width / np.sqrt(len(pt)))
    assert track.std() == pytest.approx(width, rel=0.01)
    energy = smeared_energy(rng, pt, eta, cms.ECAL_RESOLUTION)
    assert energy.std() == pytest.approx(cms.ECAL_RESOLUTION.at(pt[:1], eta[:1])[0], rel=0.01)
    assert (energy > 0).all()
    assert rotated(rng, eta, 1e-3).std() == pytest.approx(1e-3, rel=0.01)


def test_efficiencies_multiply_and_padding_stays_unseen() -> None:
    rng = np.random.default_rng(2)
    pt, eta = np.full(100_000, 50.0), np.full(100_000, 1.0)
    share = seen(rng, pt, eta, cms.ELECTRON_TRACKING, cms.ELECTRON_EFFICIENCY).mean()
    assert share == pytest.approx(0.95 * 0.95, abs=0.005)
    assert not seen(rng, np.zeros(1000), np.zeros(1000), cms.MUON_TRACKING).any()
    assert (log_normal(rng, np.zeros(3), np.ones(3)) == 0).all()


def test_the_better_of_two_measurements_weighs_more() -> None:
    assert combined(np.array([10.0]), np.array([1.0]), np.array([20.0]), np.array([2.0]))[0] == pytest.approx(12)


def test_tables_that_are_none() -> None:
    with pytest.raises(ValueError, match="do not rise"):
        Efficiency((2.5, 1.5), (10.0,), ((1.0,), (1.0,)))
    with pytest.raises(ValueError, match="has 2 entries"):
        Efficiency((2.5,), (10.0,), ((1.0,),))
    with pytest.raises(ValueError, match="as many rows"):
        Efficiency((1.5, 2.5), (10.0,), ((1.0, 1.0),))
    with pytest.raises(ValueError, match="constants and slopes"):
        TrackResolution((1.0,), (0.1, 0.2), (0.1,))
    with pytest.raises(ValueError, match="terms and shapes"):
        CalorimeterResolution((1.0,), (0.1,), (0.1,), (), ((1.0,),))
