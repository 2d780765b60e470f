"""The samples that PYTHIA makes: a few events of each, and what must be true of them."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from qmodels.compression.samples.blocks import Plan, rows_in
from qmodels.compression.samples.pythia import SETTINGS, collisions
from qmodels.compression.samples.selection import Selection
from qmodels.errors import ModelDataError
from qmodels.generation.blocks import Block

pytestmark = pytest.mark.slow  # PYTHIA takes a second to start


@pytest.fixture(scope="module")
def blocks() -> dict[str, Block]:
    """Twelve events of each sample."""
    return {name: Plan(name, 1, Selection(muons=name != "background")).make(0, 12) for name in SETTINGS}


@pytest.mark.parametrize("sample", SETTINGS)
def test_events_are_as_stated(blocks: dict[str, Block], sample: str) -> None:
    particles = rows_in(blocks[sample]).particles
    assert particles.shape == (12, 50, 3)
    pt, eta, phi = np.moveaxis(particles, -1, 0)
    assert np.isfinite(particles).all()
    assert (np.diff(pt, axis=1) <= 0).all()
    assert (pt[:, 0] > 0.5).all()
    assert (np.abs(eta) < 2.6).all()  # clusters are sums of momenta, so a massive one may lie a little outside
    assert (np.abs(phi) <= np.float32(np.pi)).all()
    assert not particles[pt == 0].any()


def test_signals_have_a_pair_of_muons_and_the_background_keeps_them(blocks: dict[str, Block]) -> None:
    assert not rows_in(blocks["background"]).muons.any()
    for sample in ("b-to-ks", "hidden-valley"):
        assert (rows_in(blocks[sample]).muons[:, :, 0] > 1.0).all()
        assert (np.abs(rows_in(blocks[sample]).muons[:, :, 1]) < 2.5).all()


@pytest.mark.parametrize(("sample", "stated"), [("b-to-ks", 0.4), ("b-to-ks-1gev", 1.0)])
def test_the_muons_of_b_decays_are_those_of_the_scalar(blocks: dict[str, Block], sample: str, stated: float) -> None:
    pt, eta, phi = np.moveaxis(rows_in(blocks[sample]).muons.astype(float), -1, 0)
    muon = 0.10566
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + muon**2)
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
    mass = np.sqrt(energy.sum(axis=1) ** 2 - (momentum.sum(axis=2) ** 2).sum(axis=0))
    assert np.median(mass) == pytest.approx(stated, abs=2e-3)


def test_every_event_has_a_fate(blocks: dict[str, Block]) -> None:
    for sample, block in blocks.items():
        assert len(block) == 12 == len(block.fates) - block.skipped().total(), sample
    assert blocks["b-to-ks"].skipped()["no b hadron that decays to S"] > 0
    assert blocks["b-to-ks"].skipped()["no pair of muons"] > 0


def test_the_same_seed_gives_the_same_collisions() -> None:
    first, again = (list(collisions("background", 2, 5, 0.5, 2.5)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.particles, other.particles)
    wide = next(collisions("background", 2, 5, 0.0, None)).particles
    inside = wide[(wide[:, 0] > 0.5) & (np.abs(wide[:, 1]) < 2.5)]
    np.testing.assert_array_equal(inside, first[0].particles)
    assert len(wide) > len(inside)


def test_a_setting_that_pythia_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETTINGS, "background", ("HardQCD:nothing = on",))
    with pytest.raises(ModelDataError, match="does not know the setting 'HardQCD:nothing = on'"):
        list(islice(collisions("background", 1, 1, 0.5, 2.5), 1))
