"""Types and constants, by hand and against exact rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hls.graph.fixed import FixedArray, FixedType, IntArray, narrow, round_shift, shift_left


def test_ap_fixed_convention() -> None:
    signed, unsigned = FixedType(True, 8, 3), FixedType(False, 8, 3)
    assert (signed.raw_min, signed.raw_max, signed.fraction) == (-128, 127, 5)
    assert (unsigned.raw_min, unsigned.raw_max, unsigned.fraction) == (0, 255, 5)
    assert str(signed) == "ap_fixed<8,3>"
    assert str(unsigned) == "ap_ufixed<8,3>"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 0, "ap_ufixed<1,1>"), (0, 1, "ap_ufixed<1,1>"), (-1, 0, "ap_fixed<1,1>"), (-1, 1, "ap_fixed<2,2>"),
     (-128, 127, "ap_fixed<8,8>"), (-129, 0, "ap_fixed<9,9>"), (0, 256, "ap_ufixed<9,9>")],
)  # fmt: skip
def test_covering_is_the_narrowest(low: int, high: int, expected: str) -> None:
    assert str(FixedType.covering(low, high, 0)) == expected


def test_a_type_needs_a_bit() -> None:
    with pytest.raises(ValueError, match="at least one bit"):
        FixedType(True, 0, 0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=5))
def test_every_float_is_an_exact_constant(values: list[float]) -> None:
    constant = FixedArray.from_float(values)
    unit = Fraction(1, 2) ** constant.fraction
    assert [int(v) * unit for v in constant.integers] == [Fraction(v) for v in values]


def test_constants_beyond_int64_are_pythons_integers() -> None:
    wide = FixedArray.from_float([[1.0, -(2.0**-70)], [0.0, 2.0**60]])
    assert wide.fraction == 70
    assert wide.integers.tolist() == [[1 << 70, -1], [0, 1 << 130]]
    assert {type(value) for value in wide.integers.ravel()} == {int}
    assert FixedArray.from_float([2.0**61, 1.0]).integers.dtype == np.int64


def test_the_grid_of_a_constant_is_the_coarsest() -> None:
    constant = FixedArray.from_float([0.75, -2.0])
    assert (constant.integers.tolist(), constant.fraction) == ([3, -8], 2)
    assert FixedArray.from_float([96.0, 32.0]).fraction == -5


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=6), st.integers(-5, 66), st.booleans())
def test_round_shift_is_exact_division(integers: list[int], bits: int, half_even: bool) -> None:
    raw = narrow(np.array(integers, dtype=object))
    quotients = [Fraction(v) / Fraction(2) ** bits for v in integers]
    expected = [round(q) if half_even else q // 1 for q in quotients]
    assert [int(v) for v in round_shift(raw, bits, half_even=half_even)] == expected


@pytest.mark.parametrize("dtype", [np.int64, object])
@pytest.mark.parametrize("bits", [1, 2, 3, 62])
def test_ties_go_to_even_or_down(bits: int, dtype: type) -> None:
    """Around every half from -9/2 to 9/2, where a whole is ``2**bits``."""
    near = [half * 2**bits // 2 + step for half in range(-9 if bits < 62 else -1, 10 if bits < 62 else 2)
            for step in (-1, 0, 1)]  # fmt: skip
    raw: IntArray = np.array(near, dtype)
    even, down = (round_shift(raw, bits, half_even=half_even) for half_even in (True, False))
    assert even.tolist() == [round(Fraction(value, 2**bits)) for value in near]
    assert down.tolist() == [value >> bits for value in near]


@given(st.integers(-(2**62), 2**62), st.integers(0, 40))
def test_shift_left_never_wraps(value: int, bits: int) -> None:
    assert int(shift_left(narrow(np.array([value], dtype=object)), bits)[0]) == value << bits


def test_a_constant_moves_only_to_finer_grids() -> None:
    constant = FixedArray(np.array([3, -1]), 1)
    assert constant.at_fraction(3).integers.tolist() == [12, -4]
    with pytest.raises(ValueError, match="cannot hold"):
        constant.at_fraction(0)
