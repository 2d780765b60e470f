"""The generators: kinematics worked by hand, priors against their analytic cumulatives, and reproducibility."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from qmodels.errors import ModelDataError
from qmodels.event_variables.events import (
    BLOCK_EVENTS,
    TRAINING_STREAM,
    blocks,
    decay_pair,
    decay_semivisible,
    decay_two_body,
    draw_parameters,
    generate,
)
from qmodels.event_variables.human import human_variable
from qmodels.event_variables.variants import VARIANTS

EVENTS = 40_000
SMALLEST_P = 1e-3


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def uniform_p(values: np.ndarray) -> float:
    return float(stats.kstest(values, "uniform").pvalue)


def mass_shell(momenta: np.ndarray) -> np.ndarray:
    """E^2 - p^2 in units of E^2."""
    p = momenta.astype(np.float64)
    return (p[:, 0] ** 2 - np.sum(p[:, 1:] ** 2, axis=1)) / p[:, 0] ** 2


def test_two_body_decay_at_rest_is_back_to_back() -> None:
    event = decay_two_body(column(200.0), column(0.0, 1.0, 0.0, 1.0, 0.0))
    np.testing.assert_allclose(event[0], [100, 0, 0, 100, 100, 0, 0, -100], atol=1e-5)


def test_two_body_boost_along_flight() -> None:
    # m 200, E 250, p 150: gamma 5/4. Flight and decay both along +x, so b gets all the boost: 100 (5/4 + 3/4).
    event = decay_two_body(column(200.0), column(50 / 1300, 0.5, 0.0, 0.5, 0.0))
    np.testing.assert_allclose(event[0], [200, 200, 0, 0, 50, -50, 0, 0], atol=1e-4)


def test_semivisible_decay_by_hand() -> None:
    # e* = (200^2 - 100^2) / 400 = 75; gamma 5/4 along -z; b along +x in the rest frame.
    event = decay_semivisible(column(200.0, 100.0), column(50 / 1300, 0.2, 0.5, 0.0))
    np.testing.assert_allclose(event[0], [93.75, 75, 0, -56.25, -75, 0], atol=1e-4)


def test_pair_decay_by_hand() -> None:
    # m_AA 500 at rest: each A has gamma 5/4 along +-z. b1 flies with A1, b2 against A2; e* = 100.
    u = column(100 / 1100, 0.0, 0.9, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0)
    event = decay_pair(column(200.0, 0.0), u)
    np.testing.assert_allclose(event[0], [200, 0, 0, 200, 50, 0, 0, 50, 0, 0], atol=1e-4)


def test_pair_boost_along_z_by_hand() -> None:
    # As above with b1 along +x in the frame of A1, in a pair of E 625: gamma 5/4 along +z.
    # Pair frame: b1 (125, 100, 0, 75), b2 (200, 0, 0, -200). Laboratory: E = 5/4 E + 3/4 pz.
    u = column(100 / 1100, 125 / 2000, 0.9, 1.0, 0.0, 0.5, 0.0, 0.0, 0.0)
    event = decay_pair(column(200.0, 0.0), u)
    np.testing.assert_allclose(event[0], [212.5, 100, 0, 187.5, 100, 0, 0, -100, -100, 0], atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_visible_particles_are_massless(variant: str) -> None:
    inputs = generate(variant, EVENTS, 3).inputs
    starts = {"two-body": (0, 4), "semivisible": (0,), "pair": (0, 4)}[variant]
    for start in starts:
        assert np.abs(mass_shell(inputs[:, start : start + 4])).max() < 1e-6


def test_two_body_mass_energy_and_angles() -> None:
    events = generate("two-body", EVENTS, 5)
    x, mass = events.inputs.astype(np.float64), events.parameters[:, 0].astype(np.float64)
    np.testing.assert_allclose(human_variable("two-body", x), mass, rtol=1e-4)
    total = x[:, :4] + x[:, 4:]
    momentum = np.linalg.norm(total[:, 1:], axis=1)
    assert uniform_p((total[:, 0] - mass) / (1500.0 - mass)) > SMALLEST_P  # E_A ~ U[m_A, 1500]
    assert uniform_p(0.5 + 0.5 * total[:, 3] / momentum) > SMALLEST_P  # flight of A: cos(theta)
    assert uniform_p(np.arctan2(total[:, 2], total[:, 1]) / (2 * np.pi) + 0.5) > SMALLEST_P  # ... and phi
    assert uniform_p(0.5 + 0.5 * (x[:, 0] - x[:, 4]) / momentum) > SMALLEST_P  # E_b - E_c = p cos(theta*)


def test_semivisible_angles_sign_and_energy() -> None:
    events = generate("semivisible", EVENTS, 5, masses=(300.0, 100.0))
    x = events.inputs.astype(np.float64)
    daughter = (300.0**2 - 100.0**2) / 600.0
    sine = np.hypot(x[:, 1], x[:, 2]) / daughter
    assert uniform_p(np.sqrt(np.maximum(1.0 - sine**2, 0.0))) > SMALLEST_P  # |cos(theta*)| ~ U[0, 1]
    assert stats.binomtest(int((x[:, 3] > 0).sum()), EVENTS).pvalue > SMALLEST_P
    gamma = x[:, 0] / daughter  # its mean is that of E_A / m_A, for cos(theta*) averages out
    assert gamma.mean() == pytest.approx((300.0 + 1500.0) / 600.0, abs=5 * gamma.std() / EVENTS**0.5)


def test_pair_energy_end_point_and_symmetry() -> None:
    events = generate("pair", EVENTS, 5, masses=(200.0, 100.0))
    x = events.inputs.astype(np.float64)
    daughter = (200.0**2 - 100.0**2) / 400.0
    # Each decay is isotropic, so on average the visible energy is the share e*/m_A of E_AA.
    energy = (x[:, 0] + x[:, 4]) * 200.0 / daughter
    mean_pair_mass = (400.0 + 1500.0) / 2
    expected = (mean_pair_mass + 2500.0) / 2
    assert energy.mean() == pytest.approx(expected, abs=5 * energy.std() / EVENTS**0.5)
    end_point = (200.0**2 - 100.0**2) / 200.0
    highest = human_variable("pair", x).max()
    assert 0.97 * end_point < highest <= end_point * (1 + 1e-6)
    assert stats.ks_2samp(x[:, 0], x[:, 4]).pvalue > SMALLEST_P
    assert stats.binomtest(int((x[:, 3] + x[:, 7] > 0).sum()), EVENTS).pvalue > SMALLEST_P


@pytest.mark.parametrize(("variant", "visible"), [("semivisible", (1,)), ("pair", (1, 5))])
def test_missing_momentum_is_exactly_minus_the_visible(variant: str, visible: tuple[int, ...]) -> None:
    x = generate(variant, EVENTS, 7).inputs
    expected = -sum(x[:, start : start + 2] for start in visible)
    assert np.array_equal(x[:, -2:], expected)


def test_two_body_prior_is_uniform() -> None:
    mass = draw_parameters("two-body", EVENTS, np.random.default_rng(1))[:, 0]
    assert uniform_p((mass - 100.0) / 400.0) > SMALLEST_P


@pytest.mark.parametrize("variant", ["semivisible", "pair"])
def test_region_prior_is_uniform_in_mass_and_delta(variant: str) -> None:
    theta = generate(variant, EVENTS, 9).parameters.astype(np.float64)
    mass, invisible = theta.T
    u = (mass**2 - 100.0**2) / (500.0**2 - 100.0**2)  # p(m_A) grows as the width of the region, m_A
    v = (mass - invisible) ** 2 / mass**2  # delta / m_A
    assert uniform_p(u) > SMALLEST_P
    assert uniform_p(v) > SMALLEST_P
    counts = np.histogram2d(u, v, bins=10, range=((0, 1), (0, 1)))[0]
    assert stats.chisquare(counts.ravel()).pvalue > SMALLEST_P


@pytest.mark.parametrize("variant", VARIANTS)
def test_first_events_do_not_depend_on_how_many_follow(variant: str) -> None:
    few, many = generate(variant, BLOCK_EVENTS + 10, 4), generate(variant, 2 * BLOCK_EVENTS + 1, 4)
    assert np.array_equal(few.inputs, many.inputs[: len(few.inputs)])
    assert np.array_equal(few.parameters, many.parameters[: len(few.inputs)])


def test_seeds_and_streams_differ() -> None:
    first = generate("pair", 100, 1).inputs
    assert not np.isin(first, generate("pair", 100, 2).inputs).any()
    assert not np.isin(first, generate("pair", 100, 1, stream=TRAINING_STREAM).inputs).any()
    later = generate("pair", BLOCK_EVENTS + 100, 1).inputs[BLOCK_EVENTS:]
    assert not np.isin(first, later).any()


def test_blocks_stay_small() -> None:
    sizes = [len(block.inputs) for block in blocks("two-body", 2 * BLOCK_EVENTS + 5, 1)]
    assert sizes == [BLOCK_EVENTS, BLOCK_EVENTS, 5]


def test_alias_is_the_same_variant() -> None:
    assert np.array_equal(generate("semi-visible", 5, 1).inputs, generate("semivisible", 5, 1).inputs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("three-body", 5, 1), "three-body"),
        (("pair", 0, 1), "number of events is 0"),
        (("pair", 5, -1), "seed is -1"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[str, int, int], message: str) -> None:
    with pytest.raises(ModelDataError, match=message):
        generate(*arguments)


@pytest.mark.parametrize("masses", [(200.0,), (90.0, 0.0), (200.0, 210.0)])
def test_impossible_masses_are_refused(masses: tuple[float, ...]) -> None:
    with pytest.raises(ModelDataError, match="do not fit pair"):
        generate("pair", 5, 1, masses=masses)
