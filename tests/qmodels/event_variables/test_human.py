"""The human-engineered variables, by hand and against the mt2 package."""

from __future__ import annotations

import numpy as np
import pytest
from mt2 import mt2

from qmodels.event_variables.events import generate
from qmodels.event_variables.human import human_variable


def test_invariant_mass_by_hand() -> None:
    # Two photons of 30 and 40 GeV at a right angle: m^2 = 2 * 30 * 40.
    event = [[30.0, 30.0, 0.0, 0.0, 40.0, 0.0, 40.0, 0.0]]
    assert human_variable("two-body", event) == pytest.approx(2400.0**0.5, rel=1e-12)


def test_transverse_mass_by_hand() -> None:
    assert human_variable("semivisible", [[13.0, 3.0, 4.0, 12.0, -3.0, -4.0]]) == pytest.approx(10.0)


def test_stransverse_mass_by_hand() -> None:
    side_by_side = [5.0, 3.0, 4.0, 0.0, 10.0, 6.0, 8.0, 0.0, -9.0, -12.0]
    back_to_back = [5.0, 3.0, 4.0, 0.0, 5.0, -3.0, -4.0, 0.0, 0.0, 0.0]
    # Parallel: 2 (5 * 10 + 50); opposite: 2 (25 - 25).
    assert human_variable("pair", [side_by_side, back_to_back]) == pytest.approx([200.0**0.5, 0.0])


def test_stransverse_mass_against_mt2_package() -> None:
    x = generate("pair", 2000, 11).inputs.astype(np.float64)
    met = -(x[:, 1:3] + x[:, 5:7])  # in float64, as the closed form sees it
    zero = np.zeros(len(x))
    expected = mt2(zero, x[:, 1], x[:, 2], zero, x[:, 5], x[:, 6], met[:, 0], met[:, 1], zero, zero)
    np.testing.assert_allclose(human_variable("pair", x), expected, rtol=1e-6, atol=1e-3)
