"""What the detector makes of particles: worked by hand where it can be."""

from __future__ import annotations

import numpy as np
import pytest

from qmodels.anomaly.layout import ELECTRONS, JETS, MISSING, MUONS, OBJECTS, fill
from qmodels.anomaly.samples.observation import NO_LEPTON, observe
from qmodels.types import Floats32, Floats64


def particle(code: int, pt: float, eta: float, phi: float) -> tuple[float, ...]:
    return (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta), code)


def seen(*particles: tuple[float, ...], times: int = 60) -> Floats32:
    """The event as it is measured each time that it is measured at all."""
    random = np.random.default_rng(3)
    events = [observe(np.array(particles, np.float64), random) for _ in range(times)]
    return np.array([event for event in events if not isinstance(event, str)], np.float32)


def test_w_boson_is_a_muon_and_what_is_missing() -> None:
    events = seen(particle(13, 40.0, 0.5, 1.0), particle(-14, 40.0, -0.2, 1.0 - np.pi))
    assert 0.8 < len(events) / 60 < 1.0  # 0.99 of a track times 0.95
    assert events[:, MUONS.first, 0].mean() == pytest.approx(40.0, rel=0.01)
    assert events[:, MISSING.first, 0].mean() == pytest.approx(40.0, rel=0.01)
    assert events[:, MISSING.first, 2] == pytest.approx(1.0 - np.pi, abs=1e-5)
    assert not events[:, MISSING.first, 1].any()
    assert not events[:, ELECTRONS.rows].any()
    assert not events[:, JETS.rows].any()


def test_electron_in_a_jet_is_no_electron() -> None:
    muon, electron = particle(13, 30.0, -1.0, -2.0), particle(11, 40.0, 1.0, 1.0)
    alone = seen(muon, electron)
    in_jet = seen(muon, electron, particle(211, 30.0, 1.1, 1.1))
    assert (alone[:, ELECTRONS.first, 0] > 0).mean() > 0.8
    assert not in_jet[:, ELECTRONS.rows].any()
    assert in_jet[:, JETS.first, 0].mean() == pytest.approx(70.0, rel=0.1)


def test_soft_and_far_leptons_pass_no_filter() -> None:
    random = np.random.default_rng(1)
    for lepton in (particle(13, 15.0, 0.0, 0.0), particle(13, 90.0, 2.3, 0.0), particle(-11, 90.0, 2.9, 0.0)):
        assert observe(np.array([lepton], np.float64), random) == NO_LEPTON
    assert observe(np.zeros((0, 5)), random) == NO_LEPTON


def test_the_hardest_stand_first_and_the_rest_does_not_fit() -> None:
    rows = np.zeros((OBJECTS, 3), np.float32)
    objects: Floats64 = np.array([[pt, 0.1, 0.2] for pt in (5.0, 9.0, 7.0, 4.0, 8.0, 6.0)])
    fill(rows, MUONS, objects)
    assert rows[MUONS.rows, 0].tolist() == [9.0, 8.0, 7.0, 6.0]
    assert not rows[JETS.rows].any()
