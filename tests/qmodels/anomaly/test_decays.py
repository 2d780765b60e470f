"""Decays that are drawn first and made later: as likely, and as hard, as PYTHIA makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qmodels.anomaly.samples.heavy_decays import HeavyDecays
from qmodels.anomaly.samples.taus import ELECTRON, MUON, TAU, Taus
from qmodels.generation.pythia import started_pythia

B_MESON, TAU_MASS = 521, 1.77686


@pytest.fixture(scope="module")
def pythia() -> Any:
    return started_pythia("a test", ("ProcessLevel:all = off",), 5)


def left(pythia: Any, code: int, px: float, mass: float) -> list[tuple[int, float]]:
    """Codes and pT of what decays of a particle leave."""
    pythia.event.reset()
    pythia.event.append(code, 83, 0, 0, px, 0.0, 0.0, float(np.hypot(px, mass)), mass)
    pythia.moreDecays()
    return [(particle.idAbs(), particle.pT()) for particle in pythia.event if particle.isFinal()]


def test_heavy_hadron_has_as_many_hard_muons_as_pythia_gives_it(pythia: Any) -> None:
    mass = pythia.particleData.m0(B_MESON)
    heavy = HeavyDecays(started_pythia("a test", ("ProcessLevel:all = off",), 6))
    hadron = np.array([[40.0, 0.0, 0.0, np.hypot(40.0, mass), -B_MESON]])
    random = np.random.default_rng(1)
    found, products = 0, []
    for _ in range(20):  # the kind's decays are added in the course of events
        number, made = heavy.with_muon(hadron, 400, (10.0, 2.1), random)
        found += number
        products.append(next(made))
    expected = sum(
        any(abs(code) == MUON and pt > 10.0 for code, pt in left(pythia, B_MESON, 40.0, mass)) for _ in range(1500)
    )
    error = np.sqrt(expected) / 1500 + np.sqrt(0.1 / 400)
    assert found / 8000 == pytest.approx(expected / 1500, abs=4 * error)
    assert 0.02 < expected / 1500 < 0.2
    for rows in products:
        assert rows[:, :4].sum(axis=0) == pytest.approx(hadron[0, :4], abs=1e-3)
        muons = rows[np.abs(rows[:, 4]) == MUON]
        assert np.hypot(muons[:, 0], muons[:, 1]).max() > 10.0


def test_hadrons_of_an_event_decay_together() -> None:
    heavy = HeavyDecays(started_pythia("a test", ("ProcessLevel:all = off",), 6))
    mass = 5.27934
    pair = np.array([[50.0, 0.0, 0.0, np.hypot(50.0, mass), B_MESON], [-50.0, 0.0, 0.0, np.hypot(50.0, mass), -511]])
    found, products = heavy.with_muon(pair, 400, (10.0, 2.1), np.random.default_rng(2))
    rows = list(products)
    assert len(rows) == found > 20
    assert all(row[:, :4].sum(axis=0) == pytest.approx([0, 0, 0, pair[:, 3].sum()], abs=1e-2) for row in rows)
    none, nothing = heavy.with_muon(pair, 400, (60.0, 2.1), np.random.default_rng(2))
    assert (none, list(nothing)) == (0, [])


def test_tau_gives_a_lepton_as_often_as_ever(pythia: Any) -> None:
    taus, random = Taus(pythia), np.random.default_rng(3)
    decayed = 0
    for _ in range(300):
        pythia.event.reset()
        pythia.event.append(-TAU, 83, 0, 0, 30.0, 0.0, 0.0, float(np.hypot(30.0, TAU_MASS)), TAU_MASS)
        if taus.decay(random, only_to_leptons=True):
            decayed += 1
            assert any(p.idAbs() in (ELECTRON, MUON) for p in pythia.event)
    assert decayed / 300 == pytest.approx(0.352, abs=0.1)
    codes = [{code for code, _ in left(pythia, TAU, 30.0, TAU_MASS)} for _ in range(100)]
    assert sum(bool(found & {ELECTRON, MUON}) for found in codes) < 60  # the others are allowed again


def test_nothing_decays_where_no_tau_could_give_a_lepton(pythia: Any) -> None:
    pythia.event.reset()
    assert not Taus(pythia).decay(np.random.default_rng(3), only_to_leptons=True)
