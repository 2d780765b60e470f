"""Exact rational numbers, one for a tensor or one for each of its channels."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph.fixed import FixedArray, narrow

Fractions = npt.NDArray[Any]
"""Of ``Fraction``, one number or one for each of the last axis."""
ONE = np.array([Fraction(1)], object)
ZERO = np.array([Fraction(0)], object)


def fractions(values: npt.ArrayLike) -> Fractions:
    """Floats as the rational numbers that they are.

    >>> fractions([0.75])[0]
    Fraction(3, 4)
    """
    flat = np.asarray(values, np.float64).reshape(-1)
    found = np.empty(flat.size, object)
    found[:] = [Fraction(value) for value in flat.tolist()]
    return found


def is_binary(values: Fractions) -> bool:
    """Whether each is a finite binary number.

    >>> is_binary(np.array([Fraction(3, 4)])), is_binary(np.array([Fraction(1, 3)]))
    (True, False)
    """
    return all(value.denominator & (value.denominator - 1) == 0 for value in values.tolist())


def power_of_two(values: Fractions) -> int | None:
    """The exponent, where all are one power of two.

    >>> power_of_two(np.array([Fraction(1, 8)])), power_of_two(np.array([Fraction(3, 4)]))
    (-3, None)
    """
    first = values[0]
    if any(value != first for value in values.tolist()) or first <= 0:
        return None
    up, down = first.numerator, first.denominator
    return up.bit_length() - down.bit_length() if up & (up - 1) == 0 == down & (down - 1) else None


def fixed(values: Fractions) -> FixedArray:
    """Finite binary numbers on the coarsest grid that holds them all."""
    common = max(value.denominator for value in values.tolist())
    integers = [int(value * common) for value in values.tolist()]
    together = math.gcd(*integers)
    shift = (together & -together).bit_length() - 1 if together else 0
    fraction = common.bit_length() - 1 - shift if together else 0
    return FixedArray(narrow(np.array([number >> shift for number in integers], object)), fraction)
