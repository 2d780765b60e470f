"""Roundings of a port against Python's rationals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
import pytest

from hls.emulation.port_rounding import to_steps
from hls.graph.nodes import PortRounding

HALF = Fraction(1, 2)


def sign(x: Fraction) -> int:
    return -1 if x < 0 else 1


DEFINITIONS: Mapping[PortRounding, Callable[[Fraction], int]] = {
    PortRounding.NEAREST_EVEN: round,
    PortRounding.FLOOR: lambda x: x.__floor__(),
    PortRounding.CEILING: lambda x: x.__ceil__(),
    PortRounding.TO_ZERO: lambda x: sign(x) * abs(x).__floor__(),
    PortRounding.FROM_ZERO: lambda x: sign(x) * abs(x).__ceil__(),
    PortRounding.HALF_FROM_ZERO: lambda x: sign(x) * (abs(x) + HALF).__floor__(),
    PortRounding.HALF_TO_ZERO: lambda x: sign(x) * (abs(x) - HALF).__ceil__(),
    PortRounding.ODD: lambda x: next(n for n in (x.__floor__(), x.__ceil__()) if n % 2 or n == x),
}


def numbers(dtype: type[np.floating]) -> np.ndarray:
    """Steps, their halves and quarters, the floats next to each, numbers without any bit behind the point, and more."""
    near = np.arange(-40, 41, dtype=dtype) / 4
    beside = [np.nextafter(near, dtype(end)) for end in (-np.inf, np.inf)]
    digits = np.finfo(dtype).nmant
    large = np.array([2.0**digits, 2.0**digits + 1, 2.0 ** (digits - 1) + 0.5, 2.0**100], dtype)
    return np.concatenate([near, *beside, large, -large, np.random.default_rng(0).normal(0, 9, 400).astype(dtype)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rounding", PortRounding, ids=lambda rounding: rounding.name)
def test_a_port_rounds_by_its_definition(rounding: PortRounding, dtype: type[np.floating]) -> None:
    x = numbers(dtype)
    wanted = [DEFINITIONS[rounding](Fraction(float(value))) for value in x]
    found = to_steps(x.copy(), rounding)
    assert found.dtype == dtype
    assert [int(value) for value in found] == wanted


@pytest.mark.parametrize("rounding", PortRounding, ids=lambda rounding: rounding.name)
def test_what_is_infinite_stays_so(rounding: PortRounding) -> None:
    with np.errstate(invalid="ignore"):
        assert to_steps(np.array([np.inf, -np.inf]), rounding).tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("rounding", PortRounding, ids=lambda rounding: rounding.name)
def test_what_went_to_odd_is_rounded_to_four_times_the_steps_as_if_it_had_not(rounding: PortRounding) -> None:
    x = numbers(np.float64)
    define = DEFINITIONS[rounding]
    odd = to_steps(x.copy(), PortRounding.ODD)
    assert [define(Fraction(step) / 4) for step in odd] == [define(Fraction(value) / 4) for value in x.tolist()]
