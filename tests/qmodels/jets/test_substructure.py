"""Features of jets that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from qmodels.jets.samples.columns import CONSTITUENT_COLUMNS, JET_FEATURES
from qmodels.jets.samples.substructure import constituent_features, jet_features, mass_drop


def massless(*particles: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """Rows of px, py, pz, E of (pT, η, φ)."""
    pt, eta, phi = np.array(particles).T
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)


def features(momenta: npt.NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(JET_FEATURES, jet_features(momenta).tolist(), strict=True))


def test_two_particles() -> None:
    found = features(massless((300.0, 0.0, 0.0), (100.0, 0.0, 0.2)))
    assert found["j_multiplicity"] == 2.0
    assert found["j_zlogz"] == pytest.approx(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert found["j_mass_mmdt"] == pytest.approx(np.sqrt(2 * 300 * 100 * (1 - np.cos(0.2))))
    weight = 0.75 * 0.25
    correlators = [found[f"j_c1_b{beta}_mmdt"] for beta in (0, 1, 2)]
    assert correlators == pytest.approx([weight, weight * 0.2, weight * 0.2**2])
    assert [found[name] for name in JET_FEATURES if name[2:4] in ("c2", "d2", "m2", "n2")] == [0.0] * 10


def test_three_particles() -> None:
    # A triangle of sides 0.3, 0.4 and 0.5 at central rapidity, all of the same pT.
    found = features(massless((100.0, 0.0, 0.0), (100.0, 0.3, 0.0), (100.0, 0.0, 0.4)))
    for beta in (1, 2):
        two = (0.3**beta + 0.4**beta + 0.5**beta) / 9
        three = (0.3 * 0.4 * 0.5) ** beta / 27
        assert found[f"j_c2_b{beta}_mmdt"] == pytest.approx(three / two**2)
        assert found[f"j_d2_b{beta}_mmdt"] == pytest.approx(three / two**3)
        assert found[f"j_d2_a1_b{beta}_mmdt"] == pytest.approx(0.3 * 0.4 * 0.5 / 27 / two ** (3 / beta))
        assert found[f"j_m2_b{beta}_mmdt"] == pytest.approx(0.3**beta / 27 / two)
        assert found[f"j_n2_b{beta}_mmdt"] == pytest.approx((0.3 * 0.4) ** beta / 27 / two**2)


def test_the_mass_drop_takes_soft_branches_off() -> None:
    hard = massless((500.0, 0.0, 0.0), (400.0, 0.1, 0.1))
    soft = massless((50.0, 0.6, 0.0), (60.0, -0.6, 0.1))
    kept = mass_drop(np.concatenate([hard, soft]))
    assert np.allclose(kept[np.argsort(-kept[:, 3])], hard)
    # Nothing is left to split of one particle.
    assert np.allclose(mass_drop(massless((500.0, 0.0, 0.0), (40.0, 0.3, 0.0))), massless((500.0, 0.0, 0.0)))


def test_features_do_not_change_when_the_jet_is_turned_about_the_beam() -> None:
    rng = np.random.default_rng(3)
    particles = np.stack([rng.exponential(50, 30), rng.normal(0, 0.2, 30), rng.normal(0, 0.2, 30)], axis=1)
    turned = particles + np.array([0.0, 0.0, 3.0])
    here, there = (jet_features(massless(*map(tuple, some))) for some in (particles, turned))
    assert there == pytest.approx(here)


def test_constituents() -> None:
    rows = constituent_features(massless((100.0, 0.5, 3.1), (300.0, 0.5, -3.1)), 4)
    first, second = (dict(zip(CONSTITUENT_COLUMNS, row.tolist(), strict=True)) for row in rows[:2])
    assert first["j1_pt"] == pytest.approx(300.0)  # by falling pT
    assert first["j1_ptrel"] + second["j1_ptrel"] == pytest.approx(1.0, rel=1e-2)
    assert first["j1_erel"] + second["j1_erel"] == pytest.approx(1.0)
    assert second["j1_phirel"] - first["j1_phirel"] == pytest.approx(6.2 - 2 * np.pi, abs=1e-5)  # around the circle
    assert first["j1_costheta"] == pytest.approx(np.tanh(0.5))
    assert second["j1_deltaR"] == pytest.approx(np.hypot(second["j1_etarel"], second["j1_phirel"]))
    assert abs(second["j1_etarot"]) == pytest.approx(second["j1_deltaR"], rel=1e-3)  # along the axis of both
    assert not rows[2:].any()
    assert len(constituent_features(massless(*[(10.0, 0.0, 0.01 * k) for k in range(160)]))) == 150
