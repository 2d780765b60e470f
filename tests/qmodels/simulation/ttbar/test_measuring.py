"""The selection of top pairs, on events of a few particles and a detector that measures them as they are."""

from __future__ import annotations

import numpy as np
import pytest

from qmodels.simulation import measuring as electrons
from qmodels.simulation.measuring import HAS_PHOTON, NOT_ISOLATED, NOT_SEEN
from qmodels.simulation.ttbar import measuring
from qmodels.simulation.ttbar.layout import momenta_of, transverse
from qmodels.simulation.ttbar.measuring import FEWER, HAS_MUON, MORE, POSITRON, SECOND, measured
from qmodels.types import Floats32, Floats64

Particle = tuple[float, float, float, int]
"""pT, η, φ and PDG code."""
ELECTRON: Particle = (40.0, 0.5, 0.0, 11)
JETS: tuple[Particle, ...] = (
    (30.0, 0.0, 1.2, 211),
    (60.0, -1.0, 2.2, -211),
    (90.0, 1.5, -1.5, 130),
    (25.0, 3.0, -2.5, 211),
)


@pytest.fixture
def ideal(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is seen, and nothing is smeared."""
    monkeypatch.setattr(measuring, "seen", lambda random, pt, eta, *cards: np.ones(np.shape(pt), np.bool_))
    monkeypatch.setattr(measuring, "rotated", lambda random, angle, width: angle)
    monkeypatch.setattr(measuring, "smeared_jets", lambda true, random: true)
    monkeypatch.setattr(measuring, "smeared_soft", lambda true, code, random: true)
    monkeypatch.setattr(measuring, "smeared_track", lambda random, pt, eta, card: pt)
    monkeypatch.setattr(electrons, "measured_pt", lambda rows, beside, random: rows[:, 0])
    monkeypatch.setattr(electrons, "PHOTON_EFFICIENCY", 1.0)


def event(*particles: Particle) -> Floats64:
    pt, eta, phi, code = np.array(particles, np.float64).T
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta), code], axis=1)


def outcome(*particles: Particle) -> Floats32 | str:
    return measured(event(*particles), np.random.default_rng(1))


@pytest.mark.usefixtures("ideal")
def test_an_electron_and_four_jets_are_told_in_order_and_the_rest_is_missing() -> None:
    soft: Particle = (3.0, -2.0, 0.7, 211)
    x = outcome(ELECTRON, *JETS, soft)
    assert not isinstance(x, str)
    rows = momenta_of(x)[0]
    order = [2, 1, 0, 3]  # of pT
    assert rows[2:] == pytest.approx(event(*(JETS[index] for index in order))[:, :3], rel=1e-5)
    assert rows[0] == pytest.approx(event(ELECTRON)[0, :3], rel=1e-5)
    assert rows[1] == pytest.approx(-event(ELECTRON, *JETS, soft)[:, :3].sum(axis=0), rel=1e-4)
    assert x.reshape(6, 4)[:, 3] == pytest.approx(np.linalg.norm(rows, axis=1), rel=1e-6)


@pytest.mark.usefixtures("ideal")
@pytest.mark.parametrize(
    ("particles", "reason"),
    [
        (JETS, NOT_SEEN),
        (((9.9, 0.5, 0.0, 11), *JETS), NOT_SEEN),
        ((ELECTRON, (6.0, 0.6, 0.1, 211), *JETS), NOT_ISOLATED),
        (((40.0, 0.5, 0.0, -11), *JETS), POSITRON),
        ((ELECTRON, (30.0, -0.5, 0.6, -11), *JETS), SECOND),
        ((ELECTRON, (20.0, -0.5, 0.6, 13), *JETS), HAS_MUON),
        ((ELECTRON, (12.0, -0.5, 0.6, 22), *JETS), HAS_PHOTON),
        ((ELECTRON, *JETS[:3]), FEWER),
        ((ELECTRON, *JETS[:3], (19.9, 3.0, -2.5, 211)), FEWER),
        ((ELECTRON, *JETS[:3], (25.0, 4.6, -2.5, 211)), FEWER),
        ((ELECTRON, *JETS, (21.0, -3.0, 0.7, 211)), MORE),
    ],
)
def test_what_is_not_selected_says_why(particles: tuple[Particle, ...], reason: str) -> None:
    assert outcome(*particles) == reason


@pytest.mark.usefixtures("ideal")
@pytest.mark.parametrize(
    "beside",
    [
        (20.0, 0.1, 1.2, 13),  # a muon in a jet
        (20.0, 0.1, 1.2, 22),  # a photon in a jet
        (12.0, 0.5, 0.01, 22),  # a photon in the electron's cell
        (20.0, 0.1, 1.2, 11),  # an electron in a jet
        (500.0, 5.2, 0.0, 211),  # beyond what is seen
    ],
)
def test_what_a_jet_holds_or_nobody_sees_forbids_nothing(beside: Particle) -> None:
    assert not isinstance(outcome(ELECTRON, beside, *JETS), str)


@pytest.mark.usefixtures("ideal")
def test_a_muon_of_a_jet_is_not_clustered_and_not_missing() -> None:
    with_muon, without = outcome(ELECTRON, (20.0, 0.1, 1.2, 13), *JETS), outcome(ELECTRON, *JETS)
    assert not isinstance(with_muon, str)
    assert not isinstance(without, str)
    assert with_muon[8:] == pytest.approx(without[8:])
    muon = event((20.0, 0.1, 1.2, 13))[0, :3]
    assert momenta_of(with_muon)[0, 1] == pytest.approx(momenta_of(without)[0, 1] - muon, rel=1e-4)


def test_the_card_smears_jets_and_loses_electrons() -> None:
    random = np.random.default_rng(2)
    hard: tuple[Particle, ...] = tuple((100.0, eta, phi, code) for _, eta, phi, code in JETS)
    found = [measured(event(ELECTRON, *hard), random) for _ in range(600)]
    kept = np.array([one for one in found if not isinstance(one, str)])
    assert {one for one in found if isinstance(one, str)} == {NOT_SEEN}
    assert len(kept) / 600 == pytest.approx(0.95 * 0.95, abs=0.04)  # tracking and identification within |η| < 1.5
    jets = transverse(kept)[:, 2:]
    assert jets.mean() == pytest.approx(100.0, rel=0.02)
    assert jets.std() == pytest.approx(14.0, rel=0.3)  # 11 % in the barrel, 19 % of the one at η = 3
