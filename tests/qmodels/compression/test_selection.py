"""Cuts, the pair of muons, and the clustering, on events made by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from qmodels.compression.samples.selection import SELECTIONS, Selected, Selection, cluster, select, wrapped
from qmodels.errors import ModelDataError

PION = (5.0, 0.5, 1.0, 211)
ALL = Selection(muons=False)


def event(*particles: tuple[float, float, float, int]) -> np.ndarray:
    return np.array(particles, float).reshape(-1, 4)


def selected(particles: np.ndarray, selection: Selection) -> Selected:
    result = select(particles, selection)
    assert isinstance(result, Selected)
    return result


def test_the_hardest_muon_of_each_charge_is_removed() -> None:
    muons = (3.0, 0.1, 0.2, 13), (7.0, 0.3, 0.4, 13), (2.0, -0.1, -0.2, -13)
    result = selected(event(PION, *muons), Selection())
    np.testing.assert_array_equal(result.muons, [[7.0, 0.3, 0.4], [2.0, -0.1, -0.2]])
    assert result.visible == 2
    np.testing.assert_array_equal(result.particles[:3], [[5.0, 0.5, 1.0], [3.0, 0.1, 0.2], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("muon", "passes"),
    [
        ((1.1, 2.4, 0.0, -13), True),
        ((1.0, 0.0, 0.0, -13), False),  # on the cut
        ((0.9, 0.0, 0.0, -13), False),
        ((9.0, 2.5, 0.0, -13), False),
        ((9.0, 0.0, 0.0, 13), False),  # of the same charge
        ((9.0, 0.0, 0.0, -11), False),
    ],
)
def test_which_muons_count(muon: tuple[float, float, float, int], passes: bool) -> None:
    result = select(event(PION, (4.0, 0.0, 0.0, 13), muon), Selection())
    assert isinstance(result, Selected) is passes
    assert passes or result == "no pair of muons"


def test_without_the_muon_cut_all_particles_stay() -> None:
    result = selected(event(PION, (4.0, 0.0, 0.0, 13), (3.0, 0.0, 0.0, -13)), ALL)
    np.testing.assert_array_equal(result.particles[:4, 0], [5.0, 4.0, 3.0, 0.0])
    assert not result.muons.any()


def test_the_published_selection_keeps_soft_and_forward_particles_but_few_muons() -> None:
    soft, forward = (0.1, 0.0, 0.0, 211), (1.0, 4.0, 0.0, 211)
    muons = (4.6, 2.4, 0.0, 13), (4.6, -2.4, 0.0, -13)
    assert np.count_nonzero(selected(event(soft, forward, *muons), SELECTIONS["published"]).particles[:, 0]) == 2
    assert select(event(soft, forward, *muons), SELECTIONS["desk"]) == "no particles"
    assert select(event(forward, muons[0], (4.4, 0.0, 0.0, -13)), SELECTIONS["published"]) == "no pair of muons"
    assert select(event(forward, muons[0], (9.0, 2.6, 0.0, -13)), SELECTIONS["published"]) == "no pair of muons"


def test_an_empty_event_and_one_of_one_particle() -> None:
    assert select(event(), ALL) == "no particles"
    assert select(event(), Selection()) == "no pair of muons"
    one = selected(event(PION), ALL).particles
    np.testing.assert_array_equal(one[0], PION[:3])
    assert not one[1:].any()


def test_a_cut_that_makes_no_sense() -> None:
    with pytest.raises(ModelDataError, match="muon_pt is -1"):
        Selection(muon_pt=-1.0)
    with pytest.raises(ModelDataError, match="max_eta is nan"):
        Selection(max_eta=float("nan"))


def test_kt_merges_the_softest_neighbours_and_keeps_the_momentum() -> None:
    """Three massless particles to two: the pair of smallest min(pT²)ΔR² merges into their vector sum."""
    particles = np.array([[10.0, 0.0, 0.0], [1.0, 0.0, 0.2], [2.0, 2.0, 3.0]])
    merged = cluster(particles, most=2, rows=4)
    px, py = 10 + np.cos(0.2), np.sin(0.2)
    np.testing.assert_allclose(merged[0], [np.hypot(px, py), 0.0, np.arctan2(py, px)], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(merged[1], [2.0, 2.0, 3.0], rtol=1e-12)
    assert not merged[2:].any()


def test_a_soft_particle_far_from_all_joins_none_but_the_beam_is_no_partner() -> None:
    """Exclusive jets: a particle whose distance to the beam (pT²) is smallest is recombined with the beam, and lost."""
    particles = np.array([[10.0, 0.0, 0.0], [9.0, 0.0, 1.5], [1.0, 2.0, -2.0]])
    np.testing.assert_allclose(cluster(particles, most=2, rows=2)[:, 0], [10.0, 9.0], rtol=1e-12)


def test_clustering_is_nested() -> None:
    """50 and then 8 is 8: what is stored serves every smaller number of particles."""
    rng = np.random.default_rng(1)
    particles = np.stack([rng.exponential(2, 90) + 0.5, rng.uniform(-2.5, 2.5, 90), rng.uniform(-3, 3, 90)], axis=1)
    once = cluster(particles, 8, 8)
    twice = cluster(cluster(particles, 50, 50), 8, 8)
    assert once.shape == (8, 3)
    assert np.all(np.diff(once[:, 0]) <= 0)
    # Not to the last bit, nor quite: the stored clusters are taken as massless again.
    np.testing.assert_allclose(twice[:, 0].sum(), once[:, 0].sum(), rtol=0.01)


def test_no_more_than_allowed_stay_as_they_are() -> None:
    particles = np.array([[1.0, 0.1, 3.0], [2.0, 0.2, -3.0]])
    np.testing.assert_array_equal(cluster(particles, 2, 2), particles[::-1])


def test_angles() -> None:
    inside = np.array([-np.pi, -1.0, 0.1, np.pi], np.float32)
    np.testing.assert_array_equal(wrapped(inside), inside)
    outside = wrapped(np.array([3.5, 6.0, -4.0]))
    np.testing.assert_allclose(outside, [3.5 - 2 * np.pi, 6.0 - 2 * np.pi, 2 * np.pi - 4.0], rtol=1e-15)


def test_fastjet_says_nothing() -> None:
    code = (
        "import numpy as np; from qmodels.compression.samples.selection import cluster\n"
        "cluster(np.array([[1.0, 0.0, 0.0], [2.0, 0.5, 0.5], [3.0, 1.0, 2.0]]), 2, 2)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
