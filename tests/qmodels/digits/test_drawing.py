"""Digits drawn by code: the same for the same seed, of 256 levels, and told apart by what they are made of."""

from __future__ import annotations

import numpy as np

from qmodels.digits.drawing import LEVELS, SIZE, digits


def test_the_same_seed_draws_the_same() -> None:
    (one, shown), (again, _), (other, _) = digits(40, 1), digits(40, 1), digits(40, 2)
    assert one.shape == (40, SIZE, SIZE, 1)
    assert set(shown.tolist()) <= set(range(10))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_pixels_are_what_the_port_holds() -> None:
    """Multiples of 1/256 from 0 to below 1, as ap_ufixed<8,0>."""
    images, _ = digits(20, 3)
    levels = images * LEVELS
    np.testing.assert_array_equal(levels, np.round(levels))
    assert (levels.min(), levels.max() < LEVELS) == (0, True)


def test_a_digit_is_nearer_to_its_own_mean_than_chance() -> None:
    """Of ten classes one in ten is right by chance; half is by the nearest mean alone."""
    images, shown = digits(1000, 4)
    flat = images.reshape(len(images), -1)
    means = np.stack([flat[:500][shown[:500] == digit].mean(axis=0) for digit in range(10)])
    nearest = ((flat[500:, None] - means) ** 2).sum(axis=-1).argmin(axis=1)
    assert (nearest == shown[500:]).mean() > 0.5
